#include "tests/support/skerry.hpp"

#include <signal.h>

#include <sstream>

namespace skerry::testing {

namespace fs = std::filesystem;

fs::path program(const std::string& name) {
  return fs::path(SKERRY_BIN_DIR) / name;
}
fs::path fixture_plugins(const std::string& name) {
  return fs::path(SKERRY_FIXTURES_DIR) / name;
}

std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> list;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    auto value = parse_json(line);
    if (value) {
      list.push_back(std::move(*value));
    } else {
      ADD_FAILURE() << "not JSON: " << line;
    }
  }
  return list;
}

Json Output::json() const {
  const auto lines = json_lines(out);
  if (!lines.empty()) return lines.back();
  ADD_FAILURE() << "printed no JSON\n" << all();
  return Json::object();
}

std::string Output::all() const {
  std::string how =
      ending.status ? "exit status " + std::to_string(*ending.status) : "no exit status";
  if (ending.signal) how = "killed by signal " + std::to_string(*ending.signal);
  return how + "\n--- out\n" + out + "\n--- err\n" + err;
}

SkerryTest::SkerryTest() {
  for (const char* folder : {"printed", "tmp", "home"}) fs::create_directories(scratch / folder);
}

void SkerryTest::TearDown() {
  // What a killed host leaves ends by itself, though not at once.
  const bool none_left = eventually([this] { return running().empty(); }, std::chrono::seconds(10));
  EXPECT_TRUE(none_left) << "still running:\n" << text_of(running());
  for (const Running& process : running()) ::kill(process.pid, SIGKILL);
}

Process SkerryTest::start(const std::string& name, std::vector<std::string> arguments,
                          const std::map<std::string, std::string>& environment) const {
  arguments.insert(arguments.begin(), program(name).string());
  const std::string home = (scratch / "home").string();
  auto all = environment;
  all.merge(std::map<std::string, std::string>{{"HOME", home},
                                               {"XDG_DATA_HOME", home},
                                               {"XDG_STATE_HOME", home},
                                               {"TMPDIR", (scratch / "tmp").string()},
                                               {"SKERRY_PLUGIN_PATH", ""},
                                               {"SKERRY_STATE", ""},
                                               {"SKERRY_LOG_LEVEL", ""}});
  return Process({std::move(arguments), std::move(all), scratch / "printed"});
}

Output SkerryTest::finish(Process& process, std::chrono::milliseconds patience) {
  const Ending ending = process.wait(patience);
  return {ending, process.out(), process.err()};
}

Output SkerryTest::skerry(std::vector<std::string> arguments) const {
  Process process = start("skerry", std::move(arguments));
  return finish(process);
}

std::vector<fs::path> SkerryTest::temporary_files() const {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(scratch / "tmp")) files.push_back(entry.path());
  return files;
}

}  // namespace skerry::testing
