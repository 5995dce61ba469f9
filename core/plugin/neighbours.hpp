#pragma once

#include <filesystem>
#include <string>

#include "core/base/result.hpp"
#include "core/plugin/elf_file.hpp"

namespace skerry::plugin {

// Brings in the libraries that `elf`, the sealed copy of `file`, has beside it: those that lie in
// places which it names by $ORIGIN, and what they need there in their turn. A copy has no
// neighbours, so they come before it, and the linker then knows them by their names (DT_SONAME).
// Each passes the checks that a plugin passes (owner, mode, folder, links, allow-list) and is
// loaded from a sealed copy. Libraries of all other places are the system's: the linker finds and
// loads them as it always does. For the loader, under its lock.
Status load_neighbours(const ElfFile& elf, const std::filesystem::path& file);

// Why the last dlopen of this copy failed, in the linker's words.
std::string linker_error(const std::string& copy);

}  // namespace skerry::plugin
