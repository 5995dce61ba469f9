#include "core/plugin/search_path.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

namespace skerry::plugin {
namespace {

namespace fs = std::filesystem;

void add(std::vector<fs::path>& places, const fs::path& place) {
  if (place.empty()) {
    return;
  }
  std::error_code error;
  const fs::path absolute = fs::absolute(place, error).lexically_normal();
  // "a/" and "a" are one directory.
  const fs::path clean = absolute.has_filename() ? absolute : absolute.parent_path();
  if (!error && std::find(places.begin(), places.end(), clean) == places.end()) {
    places.push_back(clean);
  }
}

void add_list(std::vector<fs::path>& places, std::string_view list) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(':'), list.size());
    add(places, fs::path(list.substr(0, end)));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

std::vector<fs::path> search_path(const std::vector<fs::path>& job_paths) {
  std::vector<fs::path> places;
  for (const fs::path& path : job_paths) {
    add(places, path);
  }
  add_list(places, environment("SKERRY_PLUGIN_PATH"));
  if (const std::string_view data = environment("XDG_DATA_HOME"); !data.empty()) {
    add(places, fs::path(data) / "skerry/plugins");
  } else if (const std::string_view home = environment("HOME"); !home.empty()) {
    add(places, fs::path(home) / ".local/share/skerry/plugins");
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    add(places, program.parent_path() / "../lib/skerry/plugins");
    if (const fs::path beside = program.parent_path() / "plugins"; fs::exists(beside, error)) {
      add(places, beside);
    }
  }
  return places;
}

}  // namespace skerry::plugin
