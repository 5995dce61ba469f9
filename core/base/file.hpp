// Files with errors that say what to do, and writes that survive a power cut.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/bytes.hpp"
#include "core/base/result.hpp"

namespace skerry {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// "cannot WHAT: No such file or directory", with `path` as the place and a code that fits errno.
Problem errno_problem(int error, std::string_view what, const std::filesystem::path& path);

// open(2) with O_CLOEXEC, tried again on EINTR.
Result<UniqueFd> open_file(const std::filesystem::path& path, int flags, mode_t mode = 0600);
Status write_all(int fd, Bytes bytes, const std::filesystem::path& path_for_errors);

// Called with the problem when a sync fails, on whatever thread: hosts end themselves there. The
// kernel may have dropped the pages, and a later sync would say ok. Once, before any thread.
void on_sync_failure(void (*end)(const Problem&));
// While it lives, a sync that fails on this thread is told to its caller and ends no host: for what
// is no record of the host's, as a copy on somebody's other disk.
class SpareHostOnSyncFailure {
 public:
  SpareHostOnSyncFailure();
  ~SpareHostOnSyncFailure();
  SpareHostOnSyncFailure(const SpareHostOnSyncFailure&) = delete;
  SpareHostOnSyncFailure& operator=(const SpareHostOnSyncFailure&) = delete;
};

// fdatasync. Failure is Code::data_loss; trying again proves nothing.
Status sync_data(int fd, const std::filesystem::path& path_for_errors);
// Starts to write from..to of the file to the disk, when begun..from is written: a sync later is
// short, and the disk's queue, in which others' syncs stand, is as well. No promise; but a failure
// is that of a sync.
Status write_early(int fd, std::uint64_t begun, std::uint64_t from, std::uint64_t to,
                   const std::filesystem::path& path_for_errors);
// Makes renames and creations in the directory durable. Failure to sync is Code::data_loss.
Status sync_directory(const std::filesystem::path& directory);
// On one file system; a power cut may undo it until the directory is synced.
Status rename_file(const std::filesystem::path& from, const std::filesystem::path& to);
// rename_file, and makes the new entry durable.
Status rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);
// True when it did not exist. Private to this user (0700); durable after a sync of its parent.
Result<bool> make_directory(const std::filesystem::path& directory);
// Creates what is missing, private to this user (0700) and durable.
Status make_directories(const std::filesystem::path& directory);
// A file that is not there is no failure. A power cut may undo it until the directory is synced.
Status remove_file(const std::filesystem::path& path);

// Regular files only; a file larger than `limit` bytes is refused.
Result<std::string> read_file(const std::filesystem::path& path,
                              std::uint64_t limit = std::numeric_limits<std::uint64_t>::max());

// Readers see the old content or the new, never a part. A crash may leave a ".tmp" file beside it.
Status write_file_durably(const std::filesystem::path& path, Bytes bytes, mode_t mode = 0600);
Status write_file_durably(const std::filesystem::path& path, std::string_view text,
                          mode_t mode = 0600);

// A read-only mapping. The file must not shrink meanwhile: reading past its end raises SIGBUS.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::filesystem::path& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  Bytes bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

// A directory of its own, 0700, removed with its content at destruction.
class TempDir {
 public:
  static Result<TempDir> create(const std::filesystem::path& parent,
                                std::string_view prefix = "skerry");
  static Result<TempDir> create();  // in $TMPDIR or /tmp

  TempDir() = default;
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir() { remove(); }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path release() { return std::exchange(path_, {}); }  // keep it

 private:
  void remove();
  std::filesystem::path path_;
};

}  // namespace skerry
