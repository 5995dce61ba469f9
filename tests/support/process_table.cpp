#include "tests/support/process_table.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace skerry::testing {
namespace {

namespace fs = std::filesystem;

std::string command_line_of(const fs::path& process) {
  std::ifstream file(process / "cmdline", std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  std::string line = text.str();
  std::replace(line.begin(), line.end(), '\0', ' ');
  return line;
}

pid_t pid_of(const fs::path& process) {
  const std::string name = process.filename().string();
  pid_t pid = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), pid);
  return read.ec == std::errc() && *read.ptr == '\0' ? pid : 0;
}

}  // namespace

std::vector<Running> skerry_processes(const fs::path& folder) {
  std::vector<Running> found;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end;
       entry.increment(error)) {
    const pid_t pid = pid_of(entry->path());
    if (pid == 0) continue;
    const std::string line = command_line_of(entry->path());
    const std::string program = fs::path(line.substr(0, line.find(' '))).filename().string();
    if (!program.starts_with("skerry") || line.find(folder.string() + "/") == line.npos) continue;
    found.push_back({pid, program, line});
  }
  return found;
}

std::vector<Running> skerry_processes(const fs::path& folder, const std::string& program) {
  auto found = skerry_processes(folder);
  std::erase_if(found, [&](const Running& process) { return process.program != program; });
  return found;
}

std::string text_of(const std::vector<Running>& processes) {
  std::string text;
  for (const Running& process : processes)
    text += std::to_string(process.pid) + " " + process.command_line + "\n";
  return text;
}

}  // namespace skerry::testing
