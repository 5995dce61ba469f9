#include "hosts/cli/run/orphans.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace skerry::cli {
namespace {

// The parent is the second word after the command's closing parenthesis in /proc/PID/stat.
pid_t parent_of(const std::filesystem::path& process) {
  std::ifstream file(process / "stat");
  std::string text;
  std::getline(file, text);
  const auto end = text.rfind(')');
  if (end == text.npos || text.size() < end + 4) return 0;
  pid_t parent = 0;
  std::from_chars(text.data() + end + 4, text.data() + text.size(), parent);
  return parent;
}

std::vector<pid_t> children() {
  std::vector<pid_t> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; entry != end;
       entry.increment(error)) {
    if (error) break;
    const std::string name = entry->path().filename().string();
    pid_t pid = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (read.ec != std::errc() || *read.ptr != '\0') continue;
    if (parent_of(entry->path()) == getpid()) found.push_back(pid);
  }
  return found;
}

}  // namespace

void adopt_orphans() {
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

void kill_descendants() {
  // Each turn ends one generation; those below are handed over to us when their parents die.
  for (auto list = children(); !list.empty(); list = children()) {
    for (const pid_t pid : list) ::kill(pid, SIGKILL);
    for (const pid_t pid : list) {
      while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
  }
}

}  // namespace skerry::cli
