#include "tests/fault/power_cut/failpoints.hpp"

#include <filesystem>
#include <regex>
#include <stdexcept>

#include "core/base/file.hpp"

namespace skerry::fault {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFewest = 50;  // names: fewer mean that this looks in the wrong place

std::set<std::string> names() {
  static const std::regex kPlace(R"re(SKERRY_FAILPOINT(?:_STATUS)?\(\s*"([^"]+)"\s*\))re");
  std::set<std::string> names;
  for (const char* folder : {"core", "hosts"}) {
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(SKERRY_SOURCE_DIR) / folder)) {
      const auto ending = entry.path().extension();
      if (!entry.is_regular_file() || (ending != ".cpp" && ending != ".hpp")) continue;
      const std::string text = read_file(entry.path()).value();
      for (std::sregex_iterator it(text.begin(), text.end(), kPlace), end; it != end; ++it)
        names.insert((*it)[1]);
    }
  }
  if (names.size() < kFewest) throw std::runtime_error("the failpoints are not in the sources");
  return names;
}

// Who runs the code: uploads end at the cloud, downloads at an edge, and what has no side at both.
std::set<std::string> sides_of(const std::string& name) {
  const auto begins = [&](const char* with) { return name.rfind(with, 0) == 0; };
  if (begins("cloud.") || begins("bulk.upload.") || begins("store.backup.")) return {"cloud"};
  if (begins("edge.") || begins("bulk.download.")) return {"edge"};
  return {"cloud", "edge"};
}

}  // namespace

const std::map<Place, std::string>& places_out_of_reach() {
  static const std::map<Place, std::string> kPlaces = [] {
    std::map<Place, std::string> places;
    for (const std::string& name : names()) {
      if (name.rfind("store.restore.", 0) != 0) continue;
      for (const char* side : {"cloud", "edge"})
        places[{side, name}] =
            "only `skerry restore` comes there, where no host runs yet; "
            "Backups.WhoseRestoreIsCutOffAreRestoredAgain ends it there";
    }
    return places;
  }();
  return kPlaces;
}

Places places_to_cut() {
  Places places;
  for (const std::string& name : names())
    for (const std::string& side : sides_of(name))
      if (!places_out_of_reach().contains({side, name})) places.insert({side, name});
  return places;
}

}  // namespace skerry::fault
