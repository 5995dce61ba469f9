#pragma once

#include <sys/types.h>

#include "core/base/result.hpp"

namespace skerry::runtime {

// First thing in a worker: it dies with the host thread that started it, gains no privileges and
// leaves no core file. Fails when the host with this pid is gone already.
Status confine_worker(pid_t parent);

}  // namespace skerry::runtime
