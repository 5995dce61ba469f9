#include "core/plugin/neighbours.hpp"

#include <dlfcn.h>

#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/base/try.hpp"
#include "core/plugin/allow_list.hpp"
#include "core/plugin/sealed_file.hpp"
#include "core/plugin/trust.hpp"

namespace skerry::plugin {
namespace {

namespace fs = std::filesystem;

// By digest. They stay open, as the plugins' copies do: the linker takes two files of one path for
// the same. Never destroyed: their code may run as long as the process.
std::map<std::string, SealedFile>& loaded() {
  static auto* const the = new std::map<std::string, SealedFile>;
  return *the;
}

// Where `elf` says, by $ORIGIN, that libraries lie beside it.
std::vector<fs::path> places_of(const ElfFile::Needs& needs, const fs::path& file) {
  std::error_code unknown;
  const std::string origin = fs::weakly_canonical(file, unknown).parent_path().string();
  std::vector<fs::path> places;
  for (std::string place : needs.places) {
    bool beside = false;
    for (const std::string_view word : {"$ORIGIN", "${ORIGIN}"}) {
      const auto at = place.find(word);
      if (at == std::string::npos) continue;
      place.replace(at, word.size(), origin);
      beside = true;
    }
    if (beside) places.emplace_back(place);
  }
  return places;
}

class Neighbours {
 public:
  // `places`: of those that brought this one in. What the plugin needs itself would be there before
  // it if the linker did this.
  Status load_those_of(const ElfFile& elf, const fs::path& file, std::vector<fs::path> places) {
    SKERRY_ASSIGN(const auto needs, elf.needs());
    const auto own = places_of(needs, file);
    places.insert(places.begin(), own.begin(), own.end());
    for (const std::string& name : needs.libraries) {
      for (const fs::path& place : places) {
        std::error_code error;
        if (!fs::exists(place / name, error)) continue;
        SKERRY_TRY(load(place / name, place, places));
        break;
      }
    }
    return {};
  }

 private:
  Status load(const fs::path& library, const fs::path& place, const std::vector<fs::path>& places) {
    std::error_code unknown;
    if (!seen_.insert(fs::weakly_canonical(library, unknown)).second) return {};
    SKERRY_TRY(check_directory_trust(place));
    SKERRY_TRY(check_trust(library, place));
    SKERRY_ASSIGN(auto copy, SealedFile::copy(library));
    if (loaded().contains(copy.digest())) return {};
    SKERRY_TRY(check_allowed(copy.digest(), library));
    SKERRY_ASSIGN(const ElfFile elf, ElfFile::open(copy.path(), library));
    SKERRY_TRY(load_those_of(elf, library, places));
    const std::string path = copy.path().string();
    if (::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) {
      return fail(Code::failed_precondition,
                  "cannot be loaded for the plugin beside it: " + linker_error(path) +
                      "; install the missing library or rebuild this one",
                  library.string());
    }
    const std::string digest = copy.digest();
    loaded().emplace(digest, std::move(copy));
    return {};
  }

  std::set<fs::path> seen_;
};

}  // namespace

Status load_neighbours(const ElfFile& elf, const fs::path& file) {
  return Neighbours().load_those_of(elf, file, {});
}

// The linker's text begins with the copy's path, which says nothing to anybody, unless it is about
// another library.
std::string linker_error(const std::string& copy) {
  const char* text = ::dlerror();
  std::string message = text != nullptr ? text : "no reason given";
  if (message.starts_with(copy + ": ")) {
    message.erase(0, copy.size() + 2);
  }
  return message;
}

}  // namespace skerry::plugin
