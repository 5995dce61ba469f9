#include "core/store/file_copy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/try.hpp"

namespace skerry::store {
namespace {

constexpr std::size_t kPiece = 1 << 20;
// A commit of the host must not wait until gigabytes of a copy have reached the disk.
constexpr std::uint64_t kSyncEach = 8 << 20;

}  // namespace

Result<bool> link_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return true;
  switch (errno) {
    case EXDEV:   // another file system
    case EPERM:   // one without links, or a file of somebody else's
    case EMLINK:  // too many of them
    case EOPNOTSUPP:
      return false;
    default:
      return fail(errno_problem(errno, "link " + from.string() + " to it", to));
  }
}

Result<Digest> copy_durably(const std::filesystem::path& from, const std::filesystem::path& to,
                            mode_t mode, const std::function<bool()>& cancelled) {
  SKERRY_ASSIGN(const auto source, open_file(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  SKERRY_ASSIGN(const auto target, open_file(to, O_WRONLY | O_CREAT | O_EXCL, mode));
  std::vector<std::byte> piece(kPiece);
  Hasher hasher;
  std::uint64_t unsynced = 0;
  for (;;) {
    if (cancelled()) return fail(Code::cancelled, "the copy was cancelled", to.string());
    const ssize_t count = ::read(source.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_problem(errno, "read", from));
    if (count == 0) break;
    const Bytes bytes(piece.data(), static_cast<std::size_t>(count));
    hasher.update(bytes);
    SKERRY_TRY(write_all(target.get(), bytes, to));
    unsynced += bytes.size();
    if (unsynced < kSyncEach) continue;
    SKERRY_TRY(sync_data(target.get(), to));
    unsynced = 0;
  }
  SKERRY_TRY(sync_data(target.get(), to));
  return hasher.finish();
}

Result<std::uint64_t> space_left(const std::filesystem::path& directory) {
  struct statvfs info;
  if (::statvfs(directory.c_str(), &info) != 0)
    return fail(errno_problem(errno, "ask for the space that is left", directory));
  return std::uint64_t{info.f_bavail} * info.f_frsize;
}

bool on_one_disk(const std::filesystem::path& a, const std::filesystem::path& b) {
  struct stat of_a, of_b;
  return ::stat(a.c_str(), &of_a) == 0 && ::stat(b.c_str(), &of_b) == 0 &&
         of_a.st_dev == of_b.st_dev;
}

bool is_within(const std::filesystem::path& path, const std::filesystem::path& folder) {
  const auto resolved = [](const std::filesystem::path& given) {
    std::error_code error;
    const auto found = std::filesystem::weakly_canonical(given, error);
    return error ? given.lexically_normal() : found;
  };
  const auto rest = resolved(path).lexically_relative(resolved(folder));
  return !rest.empty() && *rest.begin() != "..";
}

}  // namespace skerry::store
