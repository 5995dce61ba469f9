#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.hpp"
#include "core/base/result.hpp"
#include "core/config/source_map.hpp"

namespace skerry::config {

// One YAML document (JSON is YAML too).
struct Document {
  Json value;
  SourceMap source;
};

// Limits on what a file may hold; beyond them it is refused.
struct DocumentLimits {
  std::size_t bytes = 1 << 20;
  std::size_t values = 100'000;  // after aliases are expanded
  int depth = 64;
};

// `file` is the name for problems; relative paths in the documents are relative to its folder.
// Plain true, false, null and numbers are typed as in YAML 1.2; what is quoted is a string. A key
// that occurs twice is a problem. Empty documents are left out; at least one must remain.
Result<std::vector<Document>> parse_documents(std::string_view text, const std::string& file,
                                              const DocumentLimits& limits = {});

Result<std::vector<Document>> read_documents(const std::filesystem::path& file,
                                             const DocumentLimits& limits = {});

}  // namespace skerry::config
