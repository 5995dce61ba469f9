#include "core/plugin/identity.hpp"

#include <skerry/abi.h>

#include <string_view>
#include <utility>

#include "core/base/try.hpp"

namespace skerry::plugin {
namespace {

constexpr std::string_view kEntryPrefix = "skerry_plugin_entry_v";

}  // namespace

Result<std::string> manifest_text(const ElfFile& elf, const std::filesystem::path& file) {
  SKERRY_ASSIGN(auto text, elf.section(kManifestSection));
  if (!text) {
    return fail(Code::invalid_argument,
                std::string("is a shared library but no Skerry plugin: it has no section ") +
                    kManifestSection + "; build it with skerry_add_plugin",
                file.string());
  }
  return without_padding(std::move(*text));
}

std::string without_padding(std::string text) {
  while (!text.empty() && text.back() == '\0') {
    text.pop_back();
  }
  return text;
}

Status check_exported_entry(const ElfFile& elf, const std::filesystem::path& file) {
  SKERRY_ASSIGN(const auto symbols, elf.exported_symbols(kEntryPrefix));
  std::string others;
  for (const std::string& symbol : symbols) {
    if (symbol == SKERRY_ENTRY_SYMBOL) {
      return {};
    }
    others += (others.empty() ? "" : " and ") + symbol.substr(kEntryPrefix.size());
  }
  if (!others.empty()) {
    return fail(Code::failed_precondition, other_abi(others), file.string());
  }
  return fail(Code::failed_precondition,
              "describes a plugin but exports no " SKERRY_ENTRY_SYMBOL
              "; define it, and do not hide it with a version script",
              file.string());
}

std::string other_abi(const std::string& theirs) {
  const std::string ours =
      std::to_string(SKERRY_ABI_MAJOR) + "." + std::to_string(SKERRY_ABI_MINOR);
  return "built for plugin ABI " + theirs + ", this host speaks " + ours +
         "; rebuild it with the SDK of Skerry " SKERRY_VERSION
         ", or update Skerry to one that speaks " +
         theirs;
}

}  // namespace skerry::plugin
