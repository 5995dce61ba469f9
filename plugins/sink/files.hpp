// What sinks share in writing files: refusals that say how to make a place writable, files that
// appear whole, and names that sort by time.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <skerry/error.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "../files.hpp"

namespace sink {

namespace fs = std::filesystem;

// The folder that a file of this path lies in.
inline fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// Why `path` cannot be written, of errno's value `reason`, and what to do. `folder` is what the
// operator of the edge has to allow.
inline std::string refusal(const fs::path& path, const fs::path& folder, int reason) {
  const std::string allow = "`skerry-edge --allow-write " + folder.string() + "`";
  if (reason == ENOENT)
    return folder.string() + ": no such folder. Make it, and start the edge with " + allow;
  std::string text = path.string() + ": cannot be written: " + std::strerror(reason);
  if (reason == EACCES || reason == EPERM)
    text += ". Workers write only where the edge was told to let them: start it with " + allow +
            ", as a user who may write there";
  return text;
}

// At open(): a person has to change something. In write(): it may pass by itself.
inline skerry::Error cannot_open(const fs::path& path, const fs::path& folder, int reason) {
  return skerry::invalid("path", refusal(path, folder, reason));
}
inline skerry::Error cannot_write(const fs::path& path, int reason) {
  return {SKERRY_FAILED, "path", refusal(path, folder_of(path), reason)};
}

// A name of the folder that nobody looks at, for a file that is not whole yet. Removed with the
// object unless it was moved into its place, and by files::remove_leftovers() after a worker was
// killed.
class HiddenFile {
 public:
  // Throws std::system_error, as the other functions do.
  explicit HiddenFile(const fs::path& folder) {
    static std::atomic<std::uint64_t> count{0};
    do {
      path_ =
          folder / (files::kHidden + std::to_string(::getpid()) + "-" + std::to_string(++count));
      fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (fd_ < 0 && errno == EEXIST);
    if (fd_ < 0) fail();
  }
  HiddenFile(const HiddenFile&) = delete;
  HiddenFile& operator=(const HiddenFile&) = delete;
  ~HiddenFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  void write(const void* data, std::size_t size) {
    const char* next = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t written = ::write(fd_, next, size);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail();
      next += written;
      size -= static_cast<std::size_t>(written);
    }
  }

  void replace(const fs::path& target) {
    close();
    if (::rename(path_.c_str(), target.c_str()) != 0) fail();
    path_.clear();
  }
  // false: there is such a file already, and it stays.
  bool move_to_new(const fs::path& target) {
    close();
    errno = files::rename_to_new(path_, target);
    if (errno == EEXIST) return false;
    if (errno != 0) fail();
    path_.clear();
    return true;
  }

 private:
  [[noreturn]] static void fail() { throw std::system_error(errno, std::generic_category()); }
  void close() {
    const int fd = fd_;
    fd_ = -1;
    if (fd >= 0 && ::close(fd) != 0) fail();
  }

  fs::path path_;
  int fd_ = -1;
};

// The names in a folder that `wanted` takes. Throws std::system_error.
template <class Wanted>
std::vector<std::string> names_in(const fs::path& folder, Wanted wanted) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (wanted(name)) names.push_back(std::move(name));
  }
  return names;
}

// Makes the folder where it is missing, but not those above it. Throws Error of the field `path`
// where nothing can be written into it.
inline void prepare_folder(const fs::path& folder) {
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST)
    throw cannot_open(folder, folder_of(folder), errno);
  if (!fs::is_directory(folder)) throw cannot_open(folder, folder_of(folder), ENOTDIR);
  try {
    HiddenFile probe(folder);
    files::remove_leftovers(folder);
  } catch (const std::system_error& e) {
    throw cannot_open(folder, folder, e.code().value());
  }
}

// Names as 20261124T012958.123456Z, each later than the one before whatever the clock does. One
// that is more than a day in the future is none: from a planted one the following would take their
// years.
class TimeNames {
 public:
  static bool is_name(const std::string& text) { return time_of(text) >= 0; }

  // Those to come are later than this one.
  void after(const std::string& name) { last_ = std::max(last_, time_of(name)); }

  std::string next() {
    last_ = std::max(last_ + 1, now());
    return name_of(last_);
  }

 private:
  static constexpr std::int64_t kSecond = 1'000'000;  // microseconds
  static constexpr std::int64_t kMostAhead = 24 * 60 * 60 * kSecond;

  static std::int64_t now() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  }

  static std::string name_of(std::int64_t time) {
    const auto seconds = static_cast<std::time_t>(time / kSecond);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char day[32], text[48];
    std::strftime(day, sizeof day, "%Y%m%dT%H%M%S", &parts);
    std::snprintf(text, sizeof text, "%s.%06dZ", day, static_cast<int>(time % kSecond));
    return text;
  }

  // Microseconds since 1970; -1: no such name.
  static std::int64_t time_of(const std::string& name) {
    std::tm parts{};
    int micros = 0, read = 0;
    if (std::sscanf(name.c_str(), "%4d%2d%2dT%2d%2d%2d.%6dZ%n", &parts.tm_year, &parts.tm_mon,
                    &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &micros,
                    &read) != 7)
      return -1;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    const std::int64_t time = kSecond * ::timegm(&parts) + micros;
    return time >= 0 && time <= now() + kMostAhead && name_of(time) == name ? time : -1;
  }

  std::int64_t last_ = 0;
};

}  // namespace sink
