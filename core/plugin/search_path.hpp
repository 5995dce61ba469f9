#pragma once

#include <filesystem>
#include <vector>

namespace skerry::plugin {

// Where plugins are looked for, in this order: the job's own paths, SKERRY_PLUGIN_PATH (separated
// by ':'), the user's data directory, the install prefix of this program, and the folder "plugins"
// beside this program (a build tree). Absolute, without repetitions; directories that do not exist
// are kept, so that a miss can name them.
std::vector<std::filesystem::path> search_path(const std::vector<std::filesystem::path>& job_paths);

}  // namespace skerry::plugin
