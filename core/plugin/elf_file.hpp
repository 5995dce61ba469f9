#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/result.hpp"

namespace skerry::plugin {

// Reads parts of a 64-bit little-endian ELF shared library of this machine without running any of
// it. Every offset in the file is checked against the file's size before it is used, and what is
// read is limited, so a damaged or hostile file gives a Problem. Reads with pread: a file that
// shrinks meanwhile cannot raise SIGBUS.
class ElfFile {
 public:
  static Result<ElfFile> open(const std::filesystem::path& path);
  // A copy of `shown`, which problems name.
  static Result<ElfFile> open(const std::filesystem::path& path,
                              const std::filesystem::path& shown);

  // The bytes of the section; nothing when there is no section of that name.
  Result<std::optional<std::string>> section(std::string_view name) const;

  // Names of the symbols that the library defines and exports and that begin with `prefix`.
  Result<std::vector<std::string>> exported_symbols(std::string_view prefix) const;

  // The functions that the library defines, hidden ones too, in the order of their addresses. Of a
  // stripped library only those that it exports. At most 200,000, with at most 1,000 bytes of a
  // name.
  struct Function {
    std::uint64_t address = 0;  // from where the library is loaded
    std::uint64_t size = 0;
    std::string name;  // as the linker knows it
  };
  Result<std::vector<Function>> functions() const;

  // What the dynamic linker looks for, and where the library tells it to look first: the texts as
  // they stand in it.
  struct Needs {
    std::vector<std::string> libraries;
    std::vector<std::string> places;  // "$ORIGIN/../lib"
  };
  Result<Needs> needs() const;

 private:
  struct Section {
    std::uint32_t name = 0;  // offset in the table of names
    std::uint32_t type = 0;
    std::uint32_t link = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint64_t entry_size = 0;
  };

  ElfFile(UniqueFd fd, std::filesystem::path path, std::uint64_t size);

  Status read_headers();
  Status read_section_table(std::string_view header);
  Result<std::string> read(std::uint64_t offset, std::uint64_t size, std::uint64_t limit,
                           std::string_view what) const;
  Result<std::string> contents(const Section& section, std::uint64_t limit,
                               std::string_view what) const;
  tl::unexpected<Problem> damaged(const std::string& what) const;

  UniqueFd fd_;
  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  std::vector<Section> sections_;
  std::string names_;
};

}  // namespace skerry::plugin
