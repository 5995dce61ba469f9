#include "core/plugin/needed_libraries.hpp"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/plugin/elf_file.hpp"

namespace skerry::plugin {
namespace {

namespace fs = std::filesystem;
using Places = std::vector<fs::path>;

constexpr int kMostNested = 4;  // files of ld.so.conf that include others

void add_split(const std::string& text, Places& places) {
  std::istringstream parts(text);
  for (std::string part; std::getline(parts, part, ':');)
    if (!part.empty()) places.emplace_back(part);
}

Places origin_filled(const ElfFile::Needs& needs, const fs::path& file) {
  std::error_code unknown;
  const std::string origin = fs::weakly_canonical(file, unknown).parent_path().string();
  Places places;
  for (std::string place : needs.places) {
    for (const std::string word : {"${ORIGIN}", "$ORIGIN"}) {
      if (const auto at = place.find(word); at != std::string::npos)
        place.replace(at, word.size(), origin);
    }
    places.emplace_back(place);
  }
  return places;
}

void add_configured(const fs::path& file, int nested, Places& places);

// "include /etc/ld.so.conf.d/*.conf": the one pattern that systems use.
void add_included(const fs::path& pattern, int nested, Places& places) {
  if (pattern.filename().string().find('*') == std::string::npos)
    return add_configured(pattern, nested, places);
  Places files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(pattern.parent_path(), error))
    if (entry.path().extension() == pattern.extension()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) add_configured(file, nested, places);
}

void add_configured(const fs::path& file, int nested, Places& places) {
  const auto text = read_file(file, 1 << 20);
  if (!text || nested > kMostNested) return;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string first, second;
    words >> first >> second;
    if (first == "include")
      add_included(fs::path(second).is_absolute() ? fs::path(second) : file.parent_path() / second,
                   nested + 1, places);
    else if (!first.empty())
      places.emplace_back(first);
  }
}

Places places_for(const ElfFile::Needs& needs, const fs::path& file) {
  Places places = origin_filled(needs, file);
  if (const char* path = std::getenv("LD_LIBRARY_PATH")) add_split(path, places);
  add_configured("/etc/ld.so.conf", 0, places);
  for (const char* usual : {"/lib", "/usr/lib", "/lib64", "/usr/lib64"}) places.emplace_back(usual);
  return places;
}

fs::path found_in(const Places& places, const std::string& name) {
  std::error_code error;
  if (name.find('/') != std::string::npos) return fs::exists(name, error) ? fs::path(name) : "";
  for (const fs::path& place : places)
    if (fs::exists(place / name, error)) return (place / name).lexically_normal();
  return {};
}

}  // namespace

Result<std::vector<NeededLibrary>> needed_libraries(const fs::path& file) {
  SKERRY_ASSIGN(const auto elf, ElfFile::open(file));
  SKERRY_ASSIGN(const auto needs, elf.needs());
  const Places places = places_for(needs, file);
  std::vector<NeededLibrary> libraries;
  for (const std::string& name : needs.libraries)
    libraries.push_back({name, found_in(places, name)});
  return libraries;
}

}  // namespace skerry::plugin
