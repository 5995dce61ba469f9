#pragma once

#include <sys/types.h>

#include "core/base/result.hpp"

namespace skerry::engine {

// Ends this process (SIGTERM) when the process that started it ends. Fails when `parent` is gone
// already.
Status follow_parent(pid_t parent);

}  // namespace skerry::engine
