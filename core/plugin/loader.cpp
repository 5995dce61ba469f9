#include "core/plugin/loader.hpp"

#include <dlfcn.h>

#include <boost/dll/shared_library.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/base/try.hpp"
#include "core/plugin/elf_file.hpp"
#include "core/plugin/identity.hpp"
#include "core/plugin/trust.hpp"

namespace skerry::plugin {
namespace {

namespace dll = boost::dll;

// Larger than any entry that a later minor could have; a bigger number is no size.
constexpr std::uint32_t kMaxEntrySize = 4096;
// What an entry may count of NULs after its manifest.
constexpr std::uint64_t kMaxPadding = 64;

struct Registry {
  std::mutex mutex;
  std::map<std::string, dll::shared_library> libraries;  // by path
};

// Never destroyed: a plugin's threads and static objects may outlive everything else here.
Registry& registry() {
  static Registry* const the = new Registry;
  return *the;
}

tl::unexpected<Problem> refuse(const std::string& file, const std::string& message) {
  return fail(Code::failed_precondition, message, file);
}

// The linker's text begins with the file, which stands in the problem already, unless it is about
// another library.
std::string linker_error(const std::string& file) {
  const char* text = ::dlerror();
  std::string message = text != nullptr ? text : "no reason given";
  if (message.starts_with(file + ": ")) {
    message.erase(0, file.size() + 2);
  }
  return message;
}

Result<dll::shared_library*> open_library(const std::string& file) {
  const std::lock_guard lock(registry().mutex);
  auto& libraries = registry().libraries;
  if (const auto found = libraries.find(file); found != libraries.end()) {
    return &found->second;
  }
  dll::fs::error_code error;
  dll::shared_library library;
  library.load(file, dll::load_mode::rtld_now | dll::load_mode::rtld_local, error);
  if (error) {
    return refuse(file, "cannot be loaded: " + linker_error(file) +
                            "; install the missing library or rebuild the plugin (`ldd " + file +
                            "` lists what it needs)");
  }
  return &libraries.emplace(file, std::move(library)).first->second;
}

Status check_entry(const skerry_entry& entry, const std::string& file) {
  if (entry.abi_major != SKERRY_ABI_MAJOR) {
    return refuse(
        file, other_abi(std::to_string(entry.abi_major) + "." + std::to_string(entry.abi_minor)));
  }
  constexpr std::size_t needed = offsetof(skerry_entry, destroy) + sizeof(entry.destroy);
  if (entry.struct_size < needed || entry.struct_size > kMaxEntrySize) {
    return refuse(file, "its entry says it has " + std::to_string(entry.struct_size) +
                            " bytes, expected at least " + std::to_string(needed) +
                            "; set struct_size to sizeof(skerry_entry)");
  }
  if (entry.create == nullptr || entry.get_interface == nullptr || entry.destroy == nullptr) {
    return refuse(file, "its entry lacks create, get_interface or destroy; set all three");
  }
  return {};
}

Status check_manifest(const skerry_entry& entry, const std::string& section,
                      const std::string& file) {
  const bool told =
      entry.manifest != nullptr && entry.manifest_size <= section.size() + kMaxPadding;
  if (!told || without_padding({entry.manifest, entry.manifest_size}) != section) {
    return refuse(file, std::string("its code and its section ") + kManifestSection +
                            " describe different plugins; rebuild it with skerry_add_plugin, which "
                            "gives both the same text");
  }
  return {};
}

Status check_feature(const std::string& section, const Feature& feature) {
  SKERRY_ASSIGN(const Manifest manifest, parse_manifest(section, feature.file.string()));
  for (const Feature& offered : manifest.features) {
    if (offered.kind == feature.kind && offered.id == feature.id) {
      return {};
    }
  }
  return refuse(feature.file.string(), "no longer provides `" + feature.id + "` (" + feature.kind +
                                           "): the file was replaced; start the job again");
}

Result<const skerry_entry*> entry_of(dll::shared_library& library, const std::string& file) {
  if (!library.has(SKERRY_ENTRY_SYMBOL)) {
    return refuse(file, "exports no " SKERRY_ENTRY_SYMBOL);
  }
  return &library.get<const skerry_entry>(SKERRY_ENTRY_SYMBOL);
}

// What the file says of itself, checked as the catalog did: it may have been replaced since.
Result<std::string> read_manifest(const Feature& feature) {
  SKERRY_TRY(check_trust(feature.file, feature.search_path));
  SKERRY_ASSIGN(const ElfFile elf, ElfFile::open(feature.file));
  SKERRY_ASSIGN(std::string section, manifest_text(elf, feature.file));
  SKERRY_TRY(check_exported_entry(elf, feature.file));
  SKERRY_TRY(check_feature(section, feature));
  return section;
}

}  // namespace

Result<const skerry_entry*> Loader::load(const Feature& feature) {
  const std::string file = feature.file.string();
  SKERRY_ASSIGN(const std::string section, read_manifest(feature));
  SKERRY_ASSIGN(dll::shared_library * library, open_library(file));
  SKERRY_ASSIGN(const skerry_entry* entry, entry_of(*library, file));
  SKERRY_TRY(check_entry(*entry, file));
  SKERRY_TRY(check_manifest(*entry, section, file));
  return entry;
}

}  // namespace skerry::plugin
