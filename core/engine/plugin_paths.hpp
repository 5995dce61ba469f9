#pragma once

#include <filesystem>
#include <vector>

namespace skerry::engine {

// Puts the operator's directories in front of SKERRY_PLUGIN_PATH, for this process and the workers
// that it starts. Once, before any thread.
void add_plugin_paths(const std::vector<std::filesystem::path>& paths);

}  // namespace skerry::engine
