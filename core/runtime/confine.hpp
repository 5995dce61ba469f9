// What a worker takes from itself before any plugin's code runs in it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/runtime/landlock.hpp"

namespace skerry::runtime {

struct Confinement {
  pid_t parent = 0;                 // the host
  std::uint64_t memory = 0;         // bytes of data it may have, RLIMIT_DATA; 0: no limit
  std::optional<FileAccess> files;  // none: no sandbox
};

// First thing in a worker, before it has other threads: it dies with the host thread that started
// it, gains no privileges, leaves no core file, is the first that the kernel ends for want of
// memory, and has the sandbox that this kernel can give. Fails when the host is gone already.
Status confine_worker(const Confinement& confinement);

// What a kernel with this version of Landlock (0: none), with or without seccomp, cannot give to a
// sandbox: each a sentence for the host's log.
std::vector<std::string> missing_protections(int landlock, bool syscall_filter);
// What this kernel cannot.
std::vector<std::string> missing_protections();

}  // namespace skerry::runtime
