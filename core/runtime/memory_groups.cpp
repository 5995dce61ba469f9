#include "core/runtime/memory_groups.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "core/base/file.hpp"
#include "core/base/try.hpp"

namespace skerry::runtime {
namespace {

namespace fs = std::filesystem;

Status write_word(const fs::path& file, const std::string& word) {
  SKERRY_ASSIGN(const auto fd, open_file(file, O_WRONLY));
  return write_all(fd.get(), as_bytes(word), file);
}

Status make_group(const fs::path& group) {
  if (::mkdir(group.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail(errno_problem(errno, "make a control group", group));
}

// The line of version 2: "0::/PATH".
Result<std::string> own_group(const fs::path& self) {
  SKERRY_ASSIGN(const std::string text, read_file(self));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("0::/")) return line.substr(4);
  return fail(Code::unavailable, "this system has no control groups of version 2");
}

bool has_word(const fs::path& file, const std::string& word) {
  std::istringstream words(read_file(file).value_or(""));
  for (std::string each; words >> each;)
    if (each == word) return true;
  return false;
}

}  // namespace

Result<MemoryGroups> MemoryGroups::open(const fs::path& root, const fs::path& self) {
  SKERRY_ASSIGN(const std::string own, own_group(self));
  if (own.empty())
    return fail(Code::unavailable,
                "this host has no control group of its own (as a systemd service: Delegate=yes)");
  const fs::path base = root / own;
  if (!has_word(base / "cgroup.controllers", "memory"))
    return fail(Code::unavailable,
                "the control group of this host has no memory controller (as a systemd service: "
                "Delegate=yes)",
                base.string());
  SKERRY_TRY(make_group(base / "host"));
  SKERRY_TRY(write_word(base / "host" / "cgroup.procs", std::to_string(::getpid())));
  SKERRY_TRY(write_word(base / "cgroup.subtree_control", "+memory"));
  return MemoryGroups(base);
}

Status MemoryGroups::add(const std::string& id, pid_t pid, std::uint64_t bytes) {
  SKERRY_TRY(make_group(group(id)));
  SKERRY_TRY(write_word(group(id) / "memory.max", std::to_string(bytes)));
  // Absent where the kernel has no swap.
  static_cast<void>(write_word(group(id) / "memory.swap.max", "0"));
  return write_word(group(id) / "cgroup.procs", std::to_string(pid));
}

bool MemoryGroups::remove(const std::string& id) {
  std::istringstream events(read_file(group(id) / "memory.events").value_or(""));
  bool ran_out = false;
  std::string name;
  for (std::uint64_t count = 0; events >> name >> count;)
    ran_out |= name == "oom_kill" && count > 0;
  ::rmdir(group(id).c_str());
  return ran_out;
}

}  // namespace skerry::runtime
