#include "core/base/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>

#include "core/base/failpoint.hpp"
#include "core/base/power_journal.hpp"
#include "core/base/try.hpp"

namespace skerry {
namespace {

Code code_for(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return Code::not_found;
    case EEXIST:
      return Code::already_exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::permission_denied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Code::unavailable;
    case EIO:
      return Code::data_loss;
    default:
      return Code::failed_precondition;
  }
}

std::atomic<void (*)(const Problem&)> end_of_host = nullptr;
thread_local int spared = 0;

tl::unexpected<Problem> lost_on_sync(Problem problem) {
  problem.code = Code::data_loss;
  problem.message += "; what was written may be lost, check the disk and start again";
  if (auto* end = end_of_host.load(); end != nullptr && spared == 0) end(problem);
  return fail(std::move(problem));
}
tl::unexpected<Problem> lost_on_sync(int error, std::string_view what,
                                     const std::filesystem::path& path) {
  return lost_on_sync(errno_problem(error, what, path));
}

std::filesystem::path parent_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

Result<std::uint64_t> regular_file_size(int fd, const std::filesystem::path& path) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return fail(errno_problem(errno, "look at", path));
  if (!S_ISREG(info.st_mode)) {
    return fail(
        Code::invalid_argument,
        S_ISDIR(info.st_mode) ? "this is a directory, a file is wanted" : "this is no regular file",
        path.string());
  }
  return static_cast<std::uint64_t>(info.st_size);
}

std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  static std::atomic<unsigned> counter{0};
  return path.string() + fmt::format(".{}-{}.tmp", ::getpid(), counter++);
}

}  // namespace

void on_sync_failure(void (*end)(const Problem&)) {
  end_of_host = end;
}

SpareHostOnSyncFailure::SpareHostOnSyncFailure() {
  ++spared;
}
SpareHostOnSyncFailure::~SpareHostOnSyncFailure() {
  --spared;
}

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Problem errno_problem(int error, std::string_view what, const std::filesystem::path& path) {
  return {code_for(error),
          fmt::format("cannot {}: {}", what, std::generic_category().message(error)),
          path.string(),
          {}};
}

Result<UniqueFd> open_file(const std::filesystem::path& path, int flags, mode_t mode) {
  const power_journal::Opening opening(path, flags);
  int fd;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return fail(errno_problem(errno, "open", path));
  opening.done(fd);
  return UniqueFd(fd);
}

Status write_all(int fd, Bytes bytes, const std::filesystem::path& path_for_errors) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return fail(errno_problem(errno, "write", path_for_errors));
    }
  }
  return {};
}

Status sync_data(int fd, const std::filesystem::path& path_for_errors) {
  if (auto injected = SKERRY_FAILPOINT_STATUS("file.sync"); !injected)
    return lost_on_sync(injected.error());
  if (::fdatasync(fd) != 0) return lost_on_sync(errno, "sync", path_for_errors);
  power_journal::synced(fd);
  return {};
}

// What the kernel tells of a failed write it tells once: a later sync would say ok.
Status write_early(int fd, std::uint64_t begun, std::uint64_t from, std::uint64_t to,
                   const std::filesystem::path& path_for_errors) {
  const bool waited =
      from == begun ||  // an empty range would stand for the rest of the file
      ::sync_file_range(fd, static_cast<off64_t>(begun), static_cast<off64_t>(from - begun),
                        SYNC_FILE_RANGE_WAIT_BEFORE) == 0;
  const bool begun_anew =
      waited && ::sync_file_range(fd, static_cast<off64_t>(from), static_cast<off64_t>(to - from),
                                  SYNC_FILE_RANGE_WRITE) == 0;
  // Where there is no such call, the sync does all of it.
  if (begun_anew || errno == ENOSYS || errno == EPERM || errno == ESPIPE) return {};
  return lost_on_sync(errno, "write", path_for_errors);
}

Status sync_directory(const std::filesystem::path& directory) {
  SKERRY_ASSIGN(auto fd, open_file(directory, O_RDONLY | O_DIRECTORY));
  if (auto injected = SKERRY_FAILPOINT_STATUS("file.directory.sync"); !injected)
    return lost_on_sync(injected.error());
  if (::fsync(fd.get()) != 0) return lost_on_sync(errno, "sync", directory);
  power_journal::directory_synced(directory);
  return {};
}

Status rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  power_journal::renaming(from, to);
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return fail(errno_problem(errno, fmt::format("rename {} to it", from.string()), to));
}

Status rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
  SKERRY_TRY(rename_file(from, to));
  return sync_directory(parent_of(to));
}

Status remove_file(const std::filesystem::path& path) {
  power_journal::removing(path);
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  return fail(errno_problem(errno, "remove", path));
}

Result<bool> make_directory(const std::filesystem::path& directory) {
  if (::mkdir(directory.c_str(), 0700) == 0) {
    power_journal::directory_made(directory);
    return true;
  }
  if (errno != EEXIST) return fail(errno_problem(errno, "create the directory", directory));
  std::error_code ignored;
  if (std::filesystem::is_directory(directory, ignored)) return false;
  return fail(Code::already_exists, "a directory is wanted here, but something else has its name",
              directory.string());
}

Status make_directories(const std::filesystem::path& directory) {
  if (directory.empty()) return {};
  auto made = make_directory(directory);
  if (!made && made.error().code == Code::not_found && directory.has_parent_path() &&
      directory.parent_path() != directory) {
    SKERRY_TRY(make_directories(directory.parent_path()));
    made = make_directory(directory);
  }
  if (!made) return fail(made.error());
  if (!*made) return {};
  const Status synced = sync_directory(parent_of(directory));
  // A parent that others own can be entered and not be read.
  if (!synced && synced.error().code == Code::permission_denied) return {};
  return synced;
}

Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t limit) {
  // Not to hang on a FIFO that nobody writes to.
  SKERRY_ASSIGN(auto file, open_file(path, O_RDONLY | O_NONBLOCK));
  SKERRY_ASSIGN(const std::uint64_t size, regular_file_size(file.get(), path));
  if (size > limit) {
    return fail(Code::invalid_argument,
                fmt::format("the file has {} bytes, at most {} are allowed", size, limit),
                path.string());
  }
  // Files in /proc and /sys say 0: read to the end whatever the size was.
  std::string text(std::max<std::uint64_t>(size + 1, 4096), '\0');
  std::size_t used = 0;
  while (true) {
    const ssize_t count = ::read(file.get(), text.data() + used, text.size() - used);
    if (count == 0) break;
    if (count < 0) {
      if (errno == EINTR) continue;
      return fail(errno_problem(errno, "read", path));
    }
    used += static_cast<std::size_t>(count);
    if (used > limit) {
      return fail(Code::invalid_argument,
                  fmt::format("the file has more than the {} bytes that are allowed", limit),
                  path.string());
    }
    if (used == text.size()) text.resize(2 * text.size());
  }
  text.resize(used);
  return text;
}

Status write_file_durably(const std::filesystem::path& path, Bytes bytes, mode_t mode) {
  const auto temporary = temporary_beside(path);
  const auto write = [&]() -> Status {
    SKERRY_ASSIGN(auto file, open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, mode));
    SKERRY_TRY(write_all(file.get(), bytes, path));
    SKERRY_TRY(sync_data(file.get(), path));
    return rename_durably(temporary, path);
  };
  Status status = write();
  if (!status) static_cast<void>(remove_file(temporary));
  return status;
}

Status write_file_durably(const std::filesystem::path& path, std::string_view text, mode_t mode) {
  return write_file_durably(path, as_bytes(text), mode);
}

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  SKERRY_ASSIGN(auto file, open_file(path, O_RDONLY | O_NONBLOCK));
  SKERRY_ASSIGN(const std::uint64_t size, regular_file_size(file.get(), path));
  MappedFile mapped;
  if (size == 0) return mapped;  // mmap refuses a length of 0
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (address == MAP_FAILED) return fail(errno_problem(errno, "map", path));
  mapped.bytes_ = Bytes(static_cast<const std::byte*>(address), size);
  return mapped;
}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace skerry
