// Files of the SDK that are built into the program.
#pragma once

#include <string_view>
#include <vector>

namespace skerry::cli {

struct EmbeddedFile {
  std::string_view folder, name, text;
};

// The projects that `skerry plugin new` writes, sdk/templates: the folder is a kind, "aggregation",
// or "common" for every kind. With @NAME@, @CLASS@ and @KIND@ to replace.
const std::vector<EmbeddedFile>& plugin_templates();

// sdk/include/skerry: "abi.h", "aggregation.hpp".
const std::vector<EmbeddedFile>& sdk_headers();

}  // namespace skerry::cli
