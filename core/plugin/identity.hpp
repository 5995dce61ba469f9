#pragma once

#include <filesystem>
#include <string>

#include "core/base/result.hpp"
#include "core/plugin/elf_file.hpp"

namespace skerry::plugin {

inline constexpr const char* kManifestSection = ".skerry.plugin";

// plugin.json as it stands in the library's section, without the NULs that a C string or the linker
// leaves at its end.
Result<std::string> manifest_text(const ElfFile& elf, const std::filesystem::path& file);
std::string without_padding(std::string text);

// Does the library export the entry of this host's ABI major? Looks at its table of symbols;
// nothing of it runs.
Status check_exported_entry(const ElfFile& elf, const std::filesystem::path& file);

// "built for plugin ABI 2, this host speaks 1.0; ...": `theirs` is the version found.
std::string other_abi(const std::string& theirs);

}  // namespace skerry::plugin
