#include "file_content.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace directory {
namespace {

[[noreturn]] void fail(int error) {
  throw std::system_error(error, std::generic_category());
}

class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& file)
      : fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) {
    if (fd_ < 0) fail(errno);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { ::close(fd_); }

  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

std::vector<std::uint8_t> content_of(const std::filesystem::path& file, std::size_t most) {
  const Descriptor open(file);
  struct stat info = {};
  if (::fstat(open.get(), &info) != 0) fail(errno);
  if (!S_ISREG(info.st_mode)) fail(EINVAL);
  std::vector<std::uint8_t> bytes(std::min(most, static_cast<std::size_t>(info.st_size)));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(open.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno);
    if (count == 0) break;  // it was cut meanwhile
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace directory
