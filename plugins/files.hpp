// What plugins that put files into somebody's folder share: hidden names for what is not whole yet,
// and names that replace nothing.
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <filesystem>
#include <string>
#include <system_error>

namespace files {

namespace fs = std::filesystem;

// Files whose names begin so are not whole, and nobody looks at them.
constexpr const char* kHidden = ".skerry-";

inline bool is_hidden(const std::string& name) {
  return name.rfind(kHidden, 0) == 0;
}

// Old enough that no worker is still at it.
inline bool is_abandoned(const fs::path& file) {
  struct stat info {};
  return ::lstat(file.c_str(), &info) == 0 && std::time(nullptr) - info.st_mtime > 60;
}

// What workers that were killed left in the folder. Throws std::system_error.
inline void remove_leftovers(const fs::path& folder) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (is_hidden(entry.path().filename().string()) && is_abandoned(entry.path()))
      ::unlink(entry.path().c_str());
}

// 0, or errno's value: EEXIST where there is something of that name already, be it a link to
// nothing.
inline int rename_to_new(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL) return errno;
  // A file system that cannot do both at once.
  std::error_code error;
  if (fs::exists(fs::symlink_status(to, error))) return EEXIST;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace files
