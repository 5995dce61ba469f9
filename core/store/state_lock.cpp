#include "core/store/state_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "core/base/try.hpp"

namespace skerry::store {
namespace {

constexpr const char* kFileName = "lock";

// What the holder wrote; a person reads it, nothing depends on it.
std::string holder(const std::filesystem::path& path) {
  auto text = read_file(path, 64);
  if (!text || text->empty()) return "another process";
  return "process " + text->substr(0, text->find('\n'));
}

}  // namespace

Result<StateLock> StateLock::acquire(const std::filesystem::path& directory) {
  SKERRY_TRY(make_directories(directory));
  const auto path = directory / kFileName;
  SKERRY_ASSIGN(auto file, open_file(path, O_RDWR | O_CREAT, 0600));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail(errno_problem(errno, "lock", path));
    return fail(Code::failed_precondition,
                fmt::format("this state directory is in use by {}; stop it, or name another "
                            "directory with --state",
                            holder(path)),
                directory.string());
  }
  if (::ftruncate(file.get(), 0) != 0) return fail(errno_problem(errno, "truncate", path));
  SKERRY_TRY(write_all(file.get(), as_bytes(fmt::format("{}\n", ::getpid())), path));
  return StateLock(std::move(file));
}

}  // namespace skerry::store
