#include "core/store/state_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "core/base/try.hpp"

namespace skerry::store {
namespace {

constexpr const char* kFileName = "lock";
constexpr std::chrono::milliseconds kPatience{2000}, kPause{5};

// What the holder wrote. 0: nothing that makes sense.
pid_t holder(const std::filesystem::path& path) {
  const auto text = read_file(path, 64);
  return text ? static_cast<pid_t>(std::atoi(text->c_str())) : 0;
}

bool is_gone(pid_t pid) {
  return pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

// A host that is killed while it starts a worker leaves a child that has not yet become another
// program, and keeps what the host had open until it has: a lock of the dead passes.
bool lock(int fd, const std::filesystem::path& path) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return false;
    if (!is_gone(holder(path)) || std::chrono::steady_clock::now() > deadline) {
      errno = EWOULDBLOCK;
      return false;
    }
    std::this_thread::sleep_for(kPause);
  }
  return true;
}

}  // namespace

Result<StateLock> StateLock::acquire(const std::filesystem::path& directory) {
  SKERRY_TRY(make_directories(directory));
  const auto path = directory / kFileName;
  SKERRY_ASSIGN(auto file, open_file(path, O_RDWR | O_CREAT, 0600));
  if (!lock(file.get(), path)) {
    if (errno != EWOULDBLOCK) return fail(errno_problem(errno, "lock", path));
    const pid_t pid = holder(path);
    return fail(Code::failed_precondition,
                fmt::format("this state directory is in use by {}; stop it, or name another "
                            "directory with --state",
                            pid > 0 ? fmt::format("process {}", pid) : "another process"),
                directory.string());
  }
  if (::ftruncate(file.get(), 0) != 0) return fail(errno_problem(errno, "truncate", path));
  SKERRY_TRY(write_all(file.get(), as_bytes(fmt::format("{}\n", ::getpid())), path));
  return StateLock(std::move(file));
}

}  // namespace skerry::store
