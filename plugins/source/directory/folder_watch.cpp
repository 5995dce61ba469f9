#include "folder_watch.hpp"

#include <errno.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace directory {
namespace {

// A file that is closed after it was written, or gets its name, is whole.
constexpr std::uint32_t kArrival = IN_CLOSE_WRITE | IN_MOVED_TO;
constexpr std::uint32_t kDeparture = IN_DELETE | IN_MOVED_FROM;
constexpr std::uint32_t kGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;

void add(News& news, const inotify_event& event, const char* name) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) news.missed = true;
  if ((event.mask & kGone) != 0) news.gone = true;
  if (event.len == 0 || (event.mask & IN_ISDIR) != 0) return;
  if ((event.mask & kArrival) != 0) news.arrived.emplace_back(name);
  if ((event.mask & kDeparture) != 0) news.left.emplace_back(name);
}

}  // namespace

int FolderWatch::begin(const std::filesystem::path& folder) {
  end();
  fd_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd_ < 0) return errno;
  constexpr std::uint32_t kMask =
      kArrival | kDeparture | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
  if (::inotify_add_watch(fd_, folder.c_str(), kMask) >= 0) return 0;
  const int error = errno;
  end();
  return error;
}

void FolderWatch::end() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

News FolderWatch::wait(std::chrono::milliseconds timeout) {
  News news;
  pollfd ready{fd_, POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(timeout.count())) <= 0) return news;
  alignas(inotify_event) std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t size = ::read(fd_, buffer.data(), buffer.size());
    if (size <= 0) return news;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      add(news, event, buffer.data() + at + sizeof event);
      at += sizeof event + event.len;
    }
  }
}

}  // namespace directory
