// Shared libraries that lie in a plugin folder: nothing of them runs, but their sections are read.
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/file.hpp"
#include "core/plugin/elf_file.hpp"
#include "core/plugin/identity.hpp"
#include "core/plugin/manifest.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace skerry;
  static const UniqueFd memory(::memfd_create("fuzz", MFD_CLOEXEC));
  static const std::filesystem::path path = "/proc/self/fd/" + std::to_string(memory.get());
  fuzz::require(::ftruncate(memory.get(), 0) == 0 &&
                    ::pwrite(memory.get(), data, size, 0) == static_cast<ssize_t>(size),
                "memory holds the file");
  const auto elf = plugin::ElfFile::open(path);
  if (!elf) return 0;
  const auto text = plugin::manifest_text(*elf, path);
  if (text) (void)plugin::parse_manifest(*text, "fuzz.so");
  (void)plugin::check_exported_entry(*elf, path);
  (void)elf->section("");
  (void)elf->exported_symbols("");
  (void)elf->functions();
  return 0;
}
