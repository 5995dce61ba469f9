// Landlock by its system calls: Debian 12 has no library for it.
#pragma once

#include <filesystem>
#include <vector>

#include "core/base/result.hpp"

namespace skerry::runtime {

// Which version of Landlock the kernel has; 0: none, or switched off.
int landlock_version();

// The versions from which it also rules over emptying files, and over signals.
inline constexpr int kLandlockTruncates = 3;
inline constexpr int kLandlockSignals = 6;

struct FileAccess {
  // Nothing in here can be read, unless `read` or `write` names it again. Empty: nothing is hidden.
  // What appears beside it or beside a directory above it after the restriction cannot be read
  // either.
  std::filesystem::path hide;
  std::vector<std::filesystem::path> read;
  // Everything may be done there. Without links in them: what lies behind one cannot be written.
  std::vector<std::filesystem::path> write;
};

// From now on this thread and those that it starts, for good: what can be written is `write`, this
// process's own entries in /proc, and the devices that any program uses. Where the kernel is new
// enough, signals reach none but its own processes. Needs no_new_privs, and landlock_version() > 0.
Status restrict_files(const FileAccess& access);

}  // namespace skerry::runtime
