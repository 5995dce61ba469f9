#include "core/plugin/elf_file.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

#include "core/base/try.hpp"

namespace skerry::plugin {
namespace {

constexpr std::uint64_t kMaxTable = 16 << 20;  // section headers, names
constexpr std::size_t kMaxFunctions = 200'000;
constexpr std::size_t kMaxFunctionName = 1000;   // bytes; templates have long ones
constexpr std::uint64_t kMaxSection = 4 << 20;   // what section() returns
constexpr std::uint64_t kMaxSymbols = 64 << 20;  // the dynamic symbols and their names

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
constexpr const char* kMachineName = "x86-64";
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
constexpr const char* kMachineName = "AArch64";
#else
#error "Skerry runs on x86-64 and AArch64"
#endif

std::string machine_name(Elf64_Half machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "AArch64";
    case EM_386:
      return "x86 (32 bits)";
    case EM_ARM:
      return "ARM (32 bits)";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC64:
      return "PowerPC";
    case EM_S390:
      return "S/390";
    default:
      return "machine " + std::to_string(machine);
  }
}

// The name at `offset` in a table of NUL-terminated names; empty when it would leave the table.
std::string_view name_at(std::string_view names, std::uint64_t offset) {
  if (offset >= names.size()) {
    return {};
  }
  const std::string_view rest = names.substr(offset);
  const std::size_t end = rest.find('\0');
  return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

template <class T>
T read_struct(std::string_view bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

ElfFile::ElfFile(UniqueFd fd, std::filesystem::path path, std::uint64_t size)
    : fd_(std::move(fd)), path_(std::move(path)), size_(size) {}

Result<ElfFile> ElfFile::open(const std::filesystem::path& path) {
  return open(path, path);
}

Result<ElfFile> ElfFile::open(const std::filesystem::path& path,
                              const std::filesystem::path& shown) {
  // Not blocking: a FIFO of that name must not hold up a scan.
  SKERRY_ASSIGN(UniqueFd fd, open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) {
    return fail(errno_problem(errno, "read", shown));
  }
  if (!S_ISREG(info.st_mode)) {
    return fail(Code::invalid_argument, "is no regular file", shown.string());
  }
  ElfFile file(std::move(fd), shown, static_cast<std::uint64_t>(info.st_size));
  SKERRY_TRY(file.read_headers());
  return file;
}

Result<std::optional<std::string>> ElfFile::section(std::string_view name) const {
  for (const Section& section : sections_) {
    if (name_at(names_, section.name) != name) {
      continue;
    }
    if (section.type != SHT_PROGBITS) {
      return damaged("section " + std::string(name) + " is of type " +
                     std::to_string(section.type) + ", expected bytes of the program");
    }
    SKERRY_ASSIGN(std::string bytes,
                  contents(section, kMaxSection, "section " + std::string(name)));
    return std::optional(std::move(bytes));
  }
  return std::optional<std::string>();
}

Result<std::vector<std::string>> ElfFile::exported_symbols(std::string_view prefix) const {
  std::vector<std::string> found;
  for (const Section& section : sections_) {
    if (section.type != SHT_DYNSYM) {
      continue;
    }
    if (section.entry_size != sizeof(Elf64_Sym) || section.link >= sections_.size()) {
      return damaged("the table of dynamic symbols is malformed");
    }
    SKERRY_ASSIGN(const std::string symbols, contents(section, kMaxSymbols, "dynamic symbols"));
    SKERRY_ASSIGN(const std::string names,
                  contents(sections_[section.link], kMaxSymbols, "names of dynamic symbols"));
    for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= symbols.size(); at += sizeof(Elf64_Sym)) {
      const auto symbol = read_struct<Elf64_Sym>(symbols, at);
      const std::string_view name = name_at(names, symbol.st_name);
      if (symbol.st_shndx != SHN_UNDEF && name.starts_with(prefix)) {
        found.emplace_back(name);
      }
    }
  }
  return found;
}

Result<std::vector<ElfFile::Function>> ElfFile::functions() const {
  const auto of_type = [&](std::uint32_t type) {
    return std::find_if(sections_.begin(), sections_.end(),
                        [&](const Section& section) { return section.type == type; });
  };
  auto section = of_type(SHT_SYMTAB);  // has what SHT_DYNSYM has, and more; strip removes it
  if (section == sections_.end()) section = of_type(SHT_DYNSYM);
  std::vector<Function> found;
  if (section == sections_.end()) return found;
  if (section->entry_size != sizeof(Elf64_Sym) || section->link >= sections_.size()) {
    return damaged("a table of symbols is malformed");
  }
  SKERRY_ASSIGN(const std::string symbols, contents(*section, kMaxSymbols, "symbols"));
  SKERRY_ASSIGN(const std::string names,
                contents(sections_[section->link], kMaxSymbols, "names of symbols"));
  for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= symbols.size() && found.size() < kMaxFunctions;
       at += sizeof(Elf64_Sym)) {
    const auto symbol = read_struct<Elf64_Sym>(symbols, at);
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) continue;
    const auto name = name_at(names, symbol.st_name).substr(0, kMaxFunctionName);
    found.push_back({symbol.st_value, symbol.st_size, std::string(name)});
  }
  std::sort(found.begin(), found.end(),
            [](const Function& a, const Function& b) { return a.address < b.address; });
  return found;
}

Result<ElfFile::Needs> ElfFile::needs() const {
  Needs needs;
  for (const Section& section : sections_) {
    if (section.type != SHT_DYNAMIC) {
      continue;
    }
    if (section.link >= sections_.size()) {
      return damaged("its dynamic section names no table of strings");
    }
    SKERRY_ASSIGN(const std::string entries, contents(section, kMaxTable, "dynamic section"));
    SKERRY_ASSIGN(const std::string names,
                  contents(sections_[section.link], kMaxSymbols, "strings of the dynamic section"));
    for (std::size_t at = 0; at + sizeof(Elf64_Dyn) <= entries.size(); at += sizeof(Elf64_Dyn)) {
      const auto entry = read_struct<Elf64_Dyn>(entries, at);
      const std::string text(name_at(names, entry.d_un.d_val));
      if (entry.d_tag == DT_NEEDED) {
        needs.libraries.push_back(text);
      } else if (entry.d_tag == DT_RUNPATH || entry.d_tag == DT_RPATH) {
        std::istringstream places(text);
        for (std::string place; std::getline(places, place, ':');) needs.places.push_back(place);
      }
    }
  }
  return needs;
}

Status ElfFile::read_headers() {
  if (size_ < SELFMAG) {
    return fail(Code::invalid_argument,
                "is no shared library: it has " + std::to_string(size_) + " bytes", path_.string());
  }
  SKERRY_ASSIGN(
      const std::string header,
      read(0, std::min<std::uint64_t>(size_, sizeof(Elf64_Ehdr)), kMaxTable, "ELF header"));
  if (std::memcmp(header.data(), ELFMAG, SELFMAG) != 0) {
    return fail(Code::invalid_argument,
                "is no shared library: it does not begin as an ELF file does", path_.string());
  }
  if (header.size() < sizeof(Elf64_Ehdr)) {
    return damaged("the ELF header is cut short");
  }
  if (header[EI_CLASS] != ELFCLASS64 || header[EI_DATA] != ELFDATA2LSB) {
    return fail(Code::failed_precondition,
                std::string("is built for another machine (") +
                    (header[EI_CLASS] == ELFCLASS32 ? "32 bits" : "another byte order") +
                    "), this host is " + kMachineName + "; build the plugin for this machine",
                path_.string());
  }
  return read_section_table(header);
}

Status ElfFile::read_section_table(std::string_view header_bytes) {
  const auto header = read_struct<Elf64_Ehdr>(header_bytes, 0);
  if (header.e_machine != kMachine) {
    return fail(Code::failed_precondition,
                "is built for " + machine_name(header.e_machine) + ", this host is " +
                    kMachineName + "; build the plugin for this machine",
                path_.string());
  }
  if (header.e_type != ET_DYN) {
    return fail(Code::invalid_argument,
                "is an ELF file but no shared library (type " + std::to_string(header.e_type) + ")",
                path_.string());
  }
  if (header.e_shnum == 0 || header.e_shentsize != sizeof(Elf64_Shdr) ||
      header.e_shstrndx >= header.e_shnum) {
    return damaged("it has no usable table of sections");
  }
  SKERRY_ASSIGN(const std::string table,
                read(header.e_shoff, std::uint64_t{header.e_shnum} * sizeof(Elf64_Shdr), kMaxTable,
                     "table of sections"));
  for (std::size_t at = 0; at < table.size(); at += sizeof(Elf64_Shdr)) {
    const auto entry = read_struct<Elf64_Shdr>(table, at);
    sections_.push_back({entry.sh_name, entry.sh_type, entry.sh_link, entry.sh_offset,
                         entry.sh_size, entry.sh_entsize});
  }
  SKERRY_ASSIGN(names_, contents(sections_[header.e_shstrndx], kMaxTable, "names of sections"));
  return {};
}

Result<std::string> ElfFile::contents(const Section& section, std::uint64_t limit,
                                      std::string_view what) const {
  if (section.type == SHT_NOBITS) {
    return damaged(std::string(what) + ": no bytes in the file");
  }
  return read(section.offset, section.size, limit, what);
}

Result<std::string> ElfFile::read(std::uint64_t offset, std::uint64_t size, std::uint64_t limit,
                                  std::string_view what) const {
  if (offset > size_ || size > size_ - offset) {
    return damaged(std::string(what) + " would end at byte " + std::to_string(offset) + " + " +
                   std::to_string(size) + ", but the file has " + std::to_string(size_));
  }
  if (size > limit) {
    return damaged(std::string(what) + " has " + std::to_string(size) + " bytes, at most " +
                   std::to_string(limit) + " are read");
  }
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n =
        ::pread(fd_.get(), bytes.data() + done, size - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return fail(errno_problem(errno, "read", path_));
    }
    if (n == 0) {
      return damaged(std::string(what) + " is cut short");
    }
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

tl::unexpected<Problem> ElfFile::damaged(const std::string& what) const {
  return fail(Code::data_loss, "is truncated or damaged: " + what + "; build or copy it again",
              path_.string());
}

}  // namespace skerry::plugin
