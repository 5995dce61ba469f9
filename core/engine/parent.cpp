#include "core/engine/parent.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <string>

namespace skerry::engine {

Status follow_parent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) {
    return fail(Code::failed_precondition, "the process " + std::to_string(parent) +
                                               ", which this one was to follow, is gone");
  }
  return {};
}

}  // namespace skerry::engine
