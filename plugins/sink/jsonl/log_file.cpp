#include "log_file.hpp"

#include <sys/file.h>

#include "../files.hpp"

namespace jsonl {
namespace {

// errno's values; thrown within this file only.
struct Reason {
  int value;
};

void check(bool good) {
  if (!good) throw Reason{errno};
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

// While one worker ends, another may write to the same file already. A file system without locks
// has to do without.
class LogFile::Lock {
 public:
  explicit Lock(const Descriptor& file) : fd_(file.get()) {
    while (::flock(fd_, LOCK_EX) != 0 && errno == EINTR) continue;
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { ::flock(fd_, LOCK_UN); }

 private:
  int fd_;
};

LogFile::LogFile(std::filesystem::path path, std::uint64_t most_bytes)
    : path_(std::move(path)), most_bytes_(most_bytes) {}

void LogFile::open() {
  const auto folder = sink::folder_of(path_);
  try {
    file_ = opened();
    const Lock lock(file_);
    end_torn_line();
    if (most_bytes_ > 0) sink::HiddenFile probe(folder);  // to move a file needs its folder
  } catch (const Reason& reason) {
    throw sink::cannot_open(path_, folder, reason.value);
  } catch (const std::system_error& e) {
    throw sink::cannot_open(folder, folder, e.code().value());
  }
}

void LogFile::append(const std::string& line) {
  try {
    if (!file_.is_open()) file_ = opened();
    constexpr int kAttempts = 100;  // others may move the file away, but hardly each time
    for (int i = 0; i < kAttempts; ++i) {
      if (try_append(line)) return;
      file_ = opened();
    }
    throw Reason{EBUSY};
  } catch (const Reason& reason) {
    throw sink::cannot_write(path_, reason.value);
  }
}

// False: it has to be opened anew.
bool LogFile::try_append(const std::string& line) {
  const Lock lock(file_);
  if (!is_in_place()) return false;
  if (most_bytes_ > 0 && size() > 0 && size() + line.size() > most_bytes_) {
    check(::rename(path_.c_str(), (path_.string() + ".1").c_str()) == 0);
    return false;
  }
  end_torn_line();
  write_whole(line);
  return true;
}

Descriptor LogFile::opened() const {
  Descriptor file(::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666));
  check(file.is_open());
  struct stat info {};
  check(::fstat(file.get(), &info) == 0);
  if (!S_ISREG(info.st_mode))
    throw skerry::invalid("path", path_.string() + ": not a file; lines are appended to a file");
  return file;
}

// Has nobody moved or removed it, or begun a new one?
bool LogFile::is_in_place() const {
  struct stat here {
  }, there{};
  return ::fstat(file_.get(), &here) == 0 && ::stat(path_.c_str(), &there) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

std::uint64_t LogFile::size() const {
  struct stat info {};
  check(::fstat(file_.get(), &info) == 0);
  return static_cast<std::uint64_t>(info.st_size);
}

void LogFile::end_torn_line() {
  const std::uint64_t bytes = size();
  if (bytes == 0) return;
  char last = '\n';
  check(::pread(file_.get(), &last, 1, static_cast<off_t>(bytes - 1)) >= 0);
  if (last != '\n') write_whole("\n");
}

void LogFile::write_whole(const std::string& text) {
  const std::uint64_t before = size();
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t written = ::write(file_.get(), text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int reason = errno;
      // Where this fails too, the next line ends the torn one first.
      [[maybe_unused]] const int cut = ::ftruncate(file_.get(), static_cast<off_t>(before));
      throw Reason{reason};
    }
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace jsonl
