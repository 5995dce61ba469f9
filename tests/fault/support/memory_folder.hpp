#pragma once

#include <unistd.h>

#include "core/base/file.hpp"

namespace skerry::fault {

// A private folder in memory where there is such a place: what is under test is what hosts do, and
// not how long a disk takes to sync. Short, for the sockets in it.
inline Result<TempDir> memory_folder() {
  if (::access("/dev/shm", W_OK) == 0) return TempDir::create("/dev/shm", "skf");
  return TempDir::create();
}

}  // namespace skerry::fault
