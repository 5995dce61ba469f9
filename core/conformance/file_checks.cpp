// What holds for the file as a whole.
#include <dlfcn.h>
#include <time.h>

#include <skerry/suggest.hpp>

#include <algorithm>
#include <regex>

#include "core/base/sanitizer.hpp"
#include "core/conformance/subject.hpp"
#include "core/plugin/identity.hpp"

namespace skerry::conformance {
namespace {

void entry_only_export(Subject& subject) {
  const auto symbols = subject.elf().exported_symbols("");
  if (!symbols) throw Failed{symbols.error().text()};
  std::vector<std::string> others;
  bool entry = false;
  for (const std::string& symbol : *symbols) {
    if (symbol == SKERRY_ENTRY_SYMBOL)
      entry = true;
    else
      others.push_back(symbol);
  }
  expect(entry,
         "exports no " SKERRY_ENTRY_SYMBOL "; define it with SKERRY_PLUGIN, and do not hide it");
  // Names that a person wrote before those that a compiler made.
  std::sort(others.begin(), others.end(), [](const std::string& a, const std::string& b) {
    return std::pair(a.rfind("_Z", 0) == 0, a) < std::pair(b.rfind("_Z", 0) == 0, b);
  });
  expect(others.empty(), "exports besides its entry: " + listed(others, 4) +
                             "; another plugin's code with such a name could be called instead. "
                             "Build with skerry_add_plugin, or link with its plugin.map");
}

void opens(Subject& subject) {
  subject.code();
}

// Opened without the loader, which refuses what this check is about.
const skerry_entry* entry_of(const PluginFile& file) {
  const runtime::CallScope scope(file.manifest.name, "", "plugin", "open");
  void* library = ::dlopen(file.path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw Skipped{"it can't be opened: see `opens`"};
  const auto* entry = static_cast<const skerry_entry*>(::dlsym(library, SKERRY_ENTRY_SYMBOL));
  if (entry == nullptr) throw Skipped{"it has no entry: see `entry-only-export`"};
  if (entry->abi_major != SKERRY_ABI_MAJOR) throw Skipped{"it is of another ABI: see `opens`"};
  return entry;
}

void section_matches_descriptor(Subject& subject) {
  const skerry_entry* entry = entry_of(subject.file());
  expect(entry->manifest != nullptr,
         "its entry has no manifest; set it to the text of plugin.json");
  expect(plugin::without_padding({entry->manifest, entry->manifest_size}) ==
             subject.file().manifest_text,
         "its code and its section .skerry.plugin describe different plugins; rebuild it with "
         "skerry_add_plugin, which gives both the same text");
}

double processor_milliseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

bool is_plain(const plugin::ElfFile& elf) {
  static const std::regex usual(R"((libstdc\+\+|libm|libc|libgcc_s|libpthread|ld-linux-.*)\.so.*)");
  const auto needs = elf.needs();
  if (!needs) throw Failed{needs.error().text()};
  for (const std::string& library : needs->libraries)
    if (!std::regex_match(library, usual)) return false;
  return true;
}

// In processor time, which a busy machine does not lengthen.
void open_time(Subject& subject) {
  constexpr double kMost = 10;
  if (!is_plain(subject.elf()))
    throw Skipped{"it brings libraries of its own, whose opening takes long"};
  if (kSanitized) throw Skipped{"sanitizers make everything slower"};
  const double before = processor_milliseconds();
  subject.code();
  const double took = processor_milliseconds() - before;
  expect(took <= kMost, "opening it takes " + std::to_string(took) +
                            " ms of processor time, at most " + std::to_string(kMost) +
                            " are expected; leave work to create(), or to the first call");
}

void identity_complete(Subject& subject) {
  static const std::regex version(
      R"((0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?)");
  const plugin::Manifest& manifest = subject.file().manifest;
  expect(std::regex_match(manifest.version, version),
         "plugin.json: version: found \"" + manifest.version + "\", expected MAJOR.MINOR.PATCH");
  expect(!manifest.summary.empty(),
         "plugin.json: summary: is missing; say in a sentence what it does");
  expect(!manifest.license.empty(), "plugin.json: license: is missing; name it, as \"Apache-2.0\"");
}

}  // namespace

std::vector<Check> file_checks() {
  return {
      {"entry-only-export", "", Level::required, "Exports its entry and nothing else.",
       entry_only_export},
      {kOpens, "", Level::required,
       "A worker opens it: trusted file, all libraries found, this host's ABI, an entry with all "
       "functions.",
       opens},
      {"section-matches-descriptor", "", Level::required,
       "Its code and its section .skerry.plugin hold the same text.", section_matches_descriptor},
      {"open-time", "", Level::expected,
       "Opening a plugin that brings no libraries takes 10 ms of processor time or less.",
       open_time},
      {"identity-complete", "", Level::polished,
       "plugin.json has a version of three numbers, a summary and a license.", identity_complete},
  };
}

}  // namespace skerry::conformance
