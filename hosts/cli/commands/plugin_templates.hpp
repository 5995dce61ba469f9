// The projects that `skerry plugin new` writes: sdk/templates, built into the program.
#pragma once

#include <string_view>
#include <vector>

namespace skerry::cli {

struct PluginTemplate {
  std::string_view kind;  // "aggregation", or "common" for every kind
  std::string_view file;
  std::string_view text;  // with @NAME@, @CLASS@ and @KIND@ to replace
};

const std::vector<PluginTemplate>& plugin_templates();

}  // namespace skerry::cli
