#include "core/base/power_journal.hpp"

#ifdef SKERRY_FAILPOINTS

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace skerry::power_journal {
namespace {

namespace fs = std::filesystem;

struct Journal {
  fs::path path;
  int fd = -1;
};

Journal open_journal(const fs::path& path) {
  Journal result;
  if (path.empty()) return result;
  result.path = fs::absolute(path);
  result.fd = ::open(result.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (result.fd >= 0) return result;
  std::fprintf(stderr, "SKERRY_POWER_JOURNAL: cannot open %s\n", result.path.c_str());
  std::_Exit(2);
}

Journal& journal() {
  static Journal opened = [] {
    const char* path = std::getenv("SKERRY_POWER_JOURNAL");
    return open_journal(path == nullptr ? "" : path);
  }();
  return opened;
}

bool on() {
  return journal().fd >= 0;
}

// One write(2) a line: processes that share the journal do not mix theirs.
void note(const std::string& line) {
  const std::string text = line + "\n";
  if (::write(journal().fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    std::fprintf(stderr, "cannot write to %s\n", journal().path.c_str());
    std::_Exit(2);
  }
}

std::string name_of(const fs::path& path) {
  std::string name = fs::absolute(path).lexically_normal().string();
  while (name.size() > 1 && name.back() == '/') name.pop_back();
  return name;
}

std::string name_of(int fd) {
  std::error_code ignored;
  return fs::read_symlink(fmt::format("/proc/self/fd/{}", fd), ignored).string();
}

std::uint64_t size_of(int fd) {
  struct stat info;
  return ::fstat(fd, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

bool is_there(const fs::path& path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0;
}

// A second name for the file, or nothing where there is no file.
std::string bury(const fs::path& path) {
  static std::atomic<unsigned> counter{0};
  const fs::path graves = journal().path.string() + kGraves;
  ::mkdir(graves.c_str(), 0700);
  const fs::path grave = graves / fmt::format("{}-{}", ::getpid(), counter++);
  return ::link(path.c_str(), grave.c_str()) == 0 ? grave.string() : std::string();
}

}  // namespace

void keep_at(const fs::path& file) {
  if (on()) ::close(journal().fd);
  journal() = open_journal(file);
}

Opening::Opening(const fs::path& path, int flags) {
  writes_ = on() && (flags & O_ACCMODE) != O_RDONLY;
  if (!writes_) return;
  path_ = path;
  is_new_ = (flags & O_CREAT) != 0 && !is_there(path);
}

void Opening::done(int fd) const {
  const int error = errno;
  if (writes_ && is_new_) note("made\t" + name_of(path_));
  if (writes_ && !is_new_) note(fmt::format("opened\t{}\t{}", name_of(path_), size_of(fd)));
  errno = error;
}

void synced(int fd) {
  if (on()) note(fmt::format("synced\t{}\t{}", name_of(fd), size_of(fd)));
}

void truncated(int fd) {
  if (on()) note(fmt::format("truncated\t{}\t{}", name_of(fd), size_of(fd)));
}

void directory_synced(const fs::path& directory) {
  if (on()) note("directory\t" + name_of(directory));
}

void directory_made(const fs::path& directory) {
  if (on()) note("folder\t" + name_of(directory));
}

void renaming(const fs::path& from, const fs::path& to) {
  if (on()) note("renamed\t" + name_of(from) + "\t" + name_of(to) + "\t" + bury(to));
}

void removing(const fs::path& path) {
  if (!on() || !is_there(path)) return;
  note("removed\t" + name_of(path) + "\t" + bury(path));
}

}  // namespace skerry::power_journal

#endif
