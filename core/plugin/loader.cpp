#include "core/plugin/loader.hpp"

#include <boost/dll/shared_library.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "core/base/try.hpp"
#include "core/plugin/allow_list.hpp"
#include "core/plugin/elf_file.hpp"
#include "core/plugin/identity.hpp"
#include "core/plugin/neighbours.hpp"
#include "core/plugin/sealed_file.hpp"
#include "core/plugin/trust.hpp"

namespace skerry::plugin {
namespace {

namespace dll = boost::dll;

// Larger than any entry that a later minor could have; a bigger number is no size.
constexpr std::uint32_t kMaxEntrySize = 4096;
// What an entry may count of NULs after its manifest.
constexpr std::uint64_t kMaxPadding = 64;

// The copy stays open: the linker knows libraries by their paths, and this one's holds the number
// of its descriptor.
struct Library {
  SealedFile copy;
  dll::shared_library library;
};

struct Registry {
  std::mutex mutex;
  std::map<std::string, Library> libraries;  // by digest
};

// Never destroyed: a plugin's threads and static objects may outlive everything else here.
Registry& registry() {
  static Registry* const the = new Registry;
  return *the;
}

tl::unexpected<Problem> refuse(const std::string& file, const std::string& message) {
  return fail(Code::failed_precondition, message, file);
}

Result<dll::shared_library*> open_library(SealedFile copy, const ElfFile& elf,
                                          const std::string& file) {
  auto& libraries = registry().libraries;
  SKERRY_TRY(load_neighbours(elf, file));
  dll::fs::error_code error;
  dll::shared_library library;
  const std::string path = copy.path().string();
  library.load(path, dll::load_mode::rtld_now | dll::load_mode::rtld_local, error);
  if (error) {
    return refuse(file, "cannot be loaded: " + linker_error(path) +
                            "; install the missing library or rebuild the plugin (`ldd " + file +
                            "` lists what it needs)");
  }
  const std::string digest = copy.digest();
  return &libraries.emplace(digest, Library{std::move(copy), std::move(library)})
              .first->second.library;
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

Status check_digest(const std::string& found, const std::string& expected,
                    const std::string& file) {
  if (expected.empty() || found == expected) {
    return {};
  }
  return refuse(file, "was replaced since the job began: its digest was " + expected +
                          ", now it is " + found +
                          "; put the old file back, or delete the job and apply it again");
}

// What the file says of itself, checked as the catalog did: it may have been replaced since.
Result<std::string> read_manifest(const ElfFile& elf, const Feature& feature) {
  SKERRY_ASSIGN(std::string section, manifest_text(elf, feature.file));
  SKERRY_TRY(check_exported_entry(elf, feature.file));
  SKERRY_TRY(check_feature(section, feature));
  return section;
}

}  // namespace

Result<Loaded> Loader::load(const Feature& feature, const std::string& expected,
                            const BeforeCode& before_code) {
  const std::lock_guard lock(registry().mutex);
  const std::string file = feature.file.string();
  const auto& code = feature.code();
  SKERRY_TRY(check_trust(code, feature.copy.empty() ? feature.search_path : code.parent_path()));
  SKERRY_ASSIGN(auto copy, SealedFile::copy(code));
  const std::string digest = copy.digest();
  SKERRY_TRY(check_digest(digest, expected, file));
  SKERRY_TRY(check_allowed(digest, feature.file));
  SKERRY_ASSIGN(const ElfFile elf, ElfFile::open(copy.path(), feature.file));
  SKERRY_ASSIGN(const std::string section, read_manifest(elf, feature));
  const auto known = registry().libraries.find(digest);
  const bool fresh = known == registry().libraries.end();
  if (before_code) before_code(digest, fresh ? copy.path().string() : std::string());
  dll::shared_library* library = nullptr;
  if (!fresh) {
    library = &known->second.library;
  } else {
    SKERRY_ASSIGN(library, open_library(std::move(copy), elf, file));
  }
  SKERRY_ASSIGN(const skerry_entry* entry, entry_of(*library, file));
  SKERRY_TRY(check_entry(*entry, file));
  SKERRY_TRY(check_manifest(*entry, section, file));
  return Loaded{entry, digest};
}

}  // namespace skerry::plugin
