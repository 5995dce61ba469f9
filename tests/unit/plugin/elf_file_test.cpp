#include "core/plugin/elf_file.hpp"

#include <elf.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "tests/unit/plugin/fixtures.hpp"

namespace skerry::plugin {
namespace {

using testing::HasSubstr;

TEST(ElfFile, FindsASectionByItsName) {
  const auto elf = ElfFile::open(fixture_file("plain_average"));
  ASSERT_TRUE(elf) << elf.error().text();
  const auto section = elf->section(".skerry.plugin");
  ASSERT_TRUE(section) << section.error().text();
  ASSERT_TRUE(*section);
  EXPECT_THAT(**section, HasSubstr("\"plain-average\""));
  EXPECT_EQ(elf->section(".no.such").value(), std::nullopt);
}

TEST(ElfFile, ListsExportedSymbolsOnly) {
  const auto elf = ElfFile::open(fixture_file("missing_library"));
  ASSERT_TRUE(elf);
  // skerry_absent is only needed there, not defined.
  EXPECT_EQ(elf->exported_symbols("skerry_").value(),
            std::vector<std::string>{"skerry_plugin_entry_v1"});
}

TEST(ElfFile, ListsHiddenFunctionsInTheOrderOfTheirAddresses) {
  const auto elf = ElfFile::open(fixture_file("plain_average"));
  ASSERT_TRUE(elf);
  const auto functions = elf->functions();
  ASSERT_TRUE(functions) << functions.error().text();
  const auto combine = std::find_if(functions->begin(), functions->end(),
                                    [](const auto& each) { return each.name == "combine"; });
  ASSERT_NE(combine, functions->end()) << "it is static there";
  EXPECT_GT(combine->size, 0u);
  EXPECT_TRUE(std::is_sorted(functions->begin(), functions->end(),
                             [](const auto& a, const auto& b) { return a.address < b.address; }));
}

class DamagedElf : public testing::Test {
 protected:
  std::string problem(const std::string& bytes) {
    write(file_, bytes);
    const auto elf = ElfFile::open(file_);
    if (!elf) {
      return elf.error().message;
    }
    const auto section = elf->section(".skerry.plugin");
    const auto symbols = elf->exported_symbols("skerry");
    static_cast<void>(elf->functions());
    return !section ? section.error().message : !symbols ? symbols.error().message : "no problem";
  }

  template <class Change>
  std::string with_header(Change change) {
    std::string bytes = good_;
    Elf64_Ehdr header;
    std::memcpy(&header, bytes.data(), sizeof header);
    change(header);
    std::memcpy(bytes.data(), &header, sizeof header);
    return problem(bytes);
  }

  const TempDir dir_ = temp_dir();
  const std::filesystem::path file_ = dir_.path() / "x.so";
  const std::string good_ = read(fixture_file("plain_average"));
};

TEST_F(DamagedElf, IsToldFromOtherFiles) {
  EXPECT_EQ(problem(""), "is no shared library: it has 0 bytes");
  EXPECT_EQ(problem("#!/bin/sh\necho hello\n"),
            "is no shared library: it does not begin as an ELF file does");
  EXPECT_EQ(problem(good_.substr(0, 40)),
            "is truncated or damaged: the ELF header is cut short; build or copy it again");
}

TEST_F(DamagedElf, NamesAnotherMachine) {
  EXPECT_THAT(with_header([](Elf64_Ehdr& header) { header.e_machine = EM_RISCV; }),
              HasSubstr("is built for RISC-V, this host is "));
  EXPECT_THAT(with_header([](Elf64_Ehdr& header) { header.e_ident[EI_CLASS] = ELFCLASS32; }),
              HasSubstr("is built for another machine (32 bits)"));
  EXPECT_THAT(with_header([](Elf64_Ehdr& header) { header.e_ident[EI_DATA] = ELFDATA2MSB; }),
              HasSubstr("is built for another machine (another byte order)"));
  EXPECT_EQ(with_header([](Elf64_Ehdr& header) { header.e_type = ET_REL; }),
            "is an ELF file but no shared library (type 1)");
}

TEST_F(DamagedElf, NeverReadsPastTheEnd) {
  EXPECT_THAT(with_header([](Elf64_Ehdr& header) { header.e_shoff = ~0ULL; }),
              HasSubstr("table of sections would end at byte 18446744073709551615 + "));
  EXPECT_THAT(with_header([](Elf64_Ehdr& header) { header.e_shnum = 0; }),
              HasSubstr("it has no usable table of sections"));
  EXPECT_THAT(with_header([](Elf64_Ehdr& header) { header.e_shstrndx = 0xffff; }),
              HasSubstr("it has no usable table of sections"));
}

TEST_F(DamagedElf, IsRefusedAtEveryLength) {
  for (std::size_t size = 0; size < good_.size(); size += 1 + size / 16) {
    EXPECT_NE(problem(good_.substr(0, size)), "no problem") << size << " bytes";
  }
}

TEST_F(DamagedElf, IsReadWithoutACrashWhateverItHolds) {
  const unsigned seed = 20240607;
  RecordProperty("seed", static_cast<int>(seed));
  std::mt19937 random(seed);
  for (int i = 0; i < 500; ++i) {
    std::string bytes = good_;
    const std::size_t headers = bytes.size() - 40 * sizeof(Elf64_Shdr);
    for (int change = 0; change < 8; ++change) {
      // Half of the changes hit the headers, where they hurt most.
      const std::size_t at = random() % 2 ? headers + random() % (bytes.size() - headers)
                                          : random() % sizeof(Elf64_Ehdr);
      bytes[at] = static_cast<char>(random());
    }
    problem(bytes);
  }
}

TEST_F(DamagedElf, MayBeNoRegularFile) {
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  const auto elf = ElfFile::open(file_);
  ASSERT_FALSE(elf);
  EXPECT_EQ(elf.error().message, "is no regular file");
}

}  // namespace
}  // namespace skerry::plugin
