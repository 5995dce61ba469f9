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

// What the shared library `file` needs itself, in its order. Looks where the dynamic linker of a
// process without privileges looks (the library's own places, LD_LIBRARY_PATH, the folders of
// /etc/ld.so.conf, the system's own) and opens nothing there, so that nothing runs.
Result<std::vector<NeededLibrary>> needed_libraries(const std::filesystem::path& file);

}  // namespace skerry::plugin
