#pragma once

#include <string>

#include "core/config/source_map.hpp"

namespace skerry::config {

// A path as a user wrote it, made absolute: relative ones are relative to the folder of the file
// that the value at `pointer` stands in. "file://" is taken off; other URLs and the empty text stay
// as they are.
std::string absolute_path(const std::string& text, const SourceMap* source,
                          const std::string& pointer);

}  // namespace skerry::config
