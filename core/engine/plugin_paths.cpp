#include "core/engine/plugin_paths.hpp"

#include <cstdlib>
#include <string>

namespace skerry::engine {

void add_plugin_paths(const std::vector<std::filesystem::path>& paths) {
  std::string joined;
  for (const auto& path : paths) joined += std::filesystem::absolute(path).string() + ":";
  if (const char* known = std::getenv("SKERRY_PLUGIN_PATH")) joined += known;
  if (!joined.empty()) setenv("SKERRY_PLUGIN_PATH", joined.c_str(), 1);
}

}  // namespace skerry::engine
