#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/base/result.hpp"

namespace skerry::runtime {

// Control groups, version 2: the memory of a worker and all its children together is limited by the
// kernel. Needs a group of its own for the host, with the memory controller: systemd's
// Delegate=yes.
class MemoryGroups {
 public:
  // Moves this process into a group beside those of the workers, as the kernel wants it. The
  // problem says what is missing.
  static Result<MemoryGroups> open(const std::filesystem::path& root = "/sys/fs/cgroup",
                                   const std::filesystem::path& self = "/proc/self/cgroup");

  // Swap counts too.
  Status add(const std::string& id, pid_t pid, std::uint64_t bytes);
  // Of a worker that has ended: did the kernel end it for want of memory? Its group goes away.
  bool remove(const std::string& id);

 private:
  explicit MemoryGroups(std::filesystem::path base) : base_(std::move(base)) {}
  std::filesystem::path group(const std::string& id) const { return base_ / ("worker-" + id); }
  std::filesystem::path base_;
};

}  // namespace skerry::runtime
