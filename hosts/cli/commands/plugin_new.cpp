// skerry plugin new: a project that builds, passes its checks and runs in a job as it is.
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <map>
#include <set>

#include "core/base/file.hpp"
#include "core/base/suggest.hpp"
#include "core/base/try.hpp"
#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/commands/embedded_files.hpp"
#include "hosts/cli/view/problems.hpp"

namespace skerry::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestName = 48;

std::vector<std::string> kinds() {
  std::set<std::string> kinds;
  for (const EmbeddedFile& each : plugin_templates())
    if (each.folder != "common") kinds.emplace(each.folder);
  return {kinds.begin(), kinds.end()};
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

Status check_kind(const std::string& kind) {
  const auto known = kinds();
  if (std::find(known.begin(), known.end(), kind) != known.end()) return {};
  return fail(
      Code::invalid_argument,
      "no kind \"" + kind + "\"" + did_you_mean(kind, known) + "; there are: " + joined(known), {},
      "KIND");
}

// The name becomes a file, a CMake target and, in CamelCase, a C++ class.
Status check_name(const std::string& name) {
  const bool good =
      !name.empty() && name.size() <= kLongestName &&
      std::islower(static_cast<unsigned char>(name[0])) &&
      std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return (std::islower(c) || std::isdigit(c) || c == '_' || c == '-') && c < 128;
      });
  if (good && name != "test") return {};  // test.cpp is the test of the project
  return fail(Code::invalid_argument,
              "found \"" + name +
                  "\", expected a small letter, then small letters, digits, _ and -, " +
                  std::to_string(kLongestName) +
                  " at most, as my_average; and not test, whose file the project's own test is",
              {}, "NAME");
}

std::string class_name(const std::string& name) {
  std::string text;
  bool capital = true;
  for (const char c : name) {
    if (c == '_' || c == '-') {
      capital = true;
    } else {
      text += capital ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
      capital = false;
    }
  }
  return text;
}

std::string filled(std::string_view text, const std::map<std::string, std::string>& words) {
  std::string out(text);
  for (const auto& [word, value] : words) {
    for (std::size_t at = out.find(word); at != out.npos; at = out.find(word, at + value.size()))
      out.replace(at, word.size(), value);
  }
  return out;
}

// A folder that is there is never written into: somebody's work could be in it.
Result<std::vector<std::string>> write_project(const PluginNew& what, const fs::path& folder) {
  const std::map<std::string, std::string> words = {
      {"@NAME@", what.name}, {"@CLASS@", class_name(what.name)}, {"@KIND@", what.kind}};
  SKERRY_ASSIGN(const bool fresh, make_directory(folder));
  if (!fresh) {
    return fail(Code::already_exists,
                "exists already; choose another name, or another place with --dir",
                folder.string());
  }
  std::vector<std::string> written;
  for (const EmbeddedFile& each : plugin_templates()) {
    if (each.folder != what.kind && each.folder != "common") continue;
    const std::string file =
        each.name == "plugin.cpp" ? what.name + ".cpp" : std::string(each.name);
    SKERRY_TRY(write_file_durably(folder / file, filled(each.text, words), 0644));
    written.push_back(file);
  }
  std::sort(written.begin(), written.end());
  return written;
}

}  // namespace

int plugin_new_command(const PluginNew& what) {
  for (const Status& status : {check_kind(what.kind), check_name(what.name)})
    if (!status) return complain(status.error(), what.json, kBadInput);
  const fs::path folder = (what.dir.empty() ? fs::path(".") : what.dir) / what.name;
  const auto written = write_project(what, folder.lexically_normal());
  if (!written) return complain(written.error(), what.json, kBadInput);
  if (what.json) {
    print_json({{"folder", folder.lexically_normal().string()}, {"files", *written}});
    return kOk;
  }
  const std::string shown = folder.lexically_normal().string();
  std::printf(
      "%s: %s\n\nNext:\n  cd %s\n  cmake -B build && cmake --build build\n  ctest --test-dir "
      "build\n"
      "  skerry run -f job.yaml --edges 2\n",
      shown.c_str(), joined(*written).c_str(), shown.c_str());
  return kOk;
}

}  // namespace skerry::cli
