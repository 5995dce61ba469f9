#pragma once

#include <cstddef>
#include <string>

namespace skerry::config {

// Reads the text once without keeping anything, and throws a YAML::ParserException where it is no
// YAML, holds more than `values` values, or would keep yaml-cpp reading forever. A text that passes
// can be loaded without danger.
void guard_yaml(const std::string& text, std::size_t values);

}  // namespace skerry::config
