#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace skerry::plugin {

struct NeededLibrary {
  std::string name;            // "libtorch_cpu.so.1.13"
  std::filesystem::path path;  // where the dynamic linker would find it; empty: nowhere
};

// What the shared library `file` needs itself, in its order. Looks for files of those names in the
// library's own places, in LD_LIBRARY_PATH, in the folders of /etc/ld.so.conf and in the system's
// own, and opens none of them, so that nothing runs: the linker's last word (architecture, symbol
// versions) is known when a worker loads the plugin.
Result<std::vector<NeededLibrary>> needed_libraries(const std::filesystem::path& file);

}  // namespace skerry::plugin
