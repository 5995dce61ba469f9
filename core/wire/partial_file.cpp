#include "core/wire/partial_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "core/base/failpoint.hpp"
#include "core/base/power_journal.hpp"
#include "core/base/try.hpp"

namespace skerry::wire {
namespace {

constexpr std::uint64_t kSyncEach = 8 << 20;
constexpr std::uint64_t kWriteEach = 1 << 20;
constexpr std::size_t kReadSize = 1 << 20;

}  // namespace

Result<PartialFile> PartialFile::open(const std::filesystem::path& path) {
  PartialFile file;
  file.path_ = path;
  SKERRY_ASSIGN(file.fd_, open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  SKERRY_TRY(file.hash_content());
  if (file.size_ > 0) {
    SKERRY_TRY(file.sync());
  } else {
    SKERRY_TRY(sync_directory(path.has_parent_path() ? path.parent_path() : "."));
  }
  return file;
}

Status PartialFile::hash_content() {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kReadSize);
  for (;;) {
    const ssize_t count = ::read(fd_.get(), buffer.get(), kReadSize);
    if (count == 0) return {};
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(errno_problem(errno, "read", path_));
    hasher_.update({buffer.get(), static_cast<std::size_t>(count)});
    size_ += static_cast<std::uint64_t>(count);
  }
}

Status PartialFile::sync() {
  SKERRY_FAILPOINT("bulk.partial.written");
  SKERRY_TRY(sync_data(fd_.get(), path_));
  SKERRY_FAILPOINT("bulk.partial.synced");
  durable_ = writing_ = size_;
  return {};
}

Status PartialFile::append(Bytes data) {
  SKERRY_TRY(write_all(fd_.get(), data, path_));
  hasher_.update(data);
  size_ += data.size();
  if (size_ - durable_ >= kSyncEach) return sync();
  if (size_ - writing_ >= kWriteEach) {
    SKERRY_TRY(write_early(fd_.get(), durable_, writing_, size_, path_));
    writing_ = size_;
  }
  return {};
}

Result<Digest> PartialFile::finish() {
  SKERRY_TRY(sync());
  return hasher_.finish();
}

Status PartialFile::restart() {
  if (::ftruncate(fd_.get(), 0) != 0 || ::lseek(fd_.get(), 0, SEEK_SET) != 0) {
    return fail(errno_problem(errno, "empty", path_));
  }
  power_journal::truncated(fd_.get());
  hasher_ = Hasher();
  size_ = durable_ = writing_ = 0;
  return {};
}

}  // namespace skerry::wire
