#include "core/runtime/confine.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/file.hpp"

namespace skerry::runtime {

Status confine_worker(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail(errno_problem(errno, "confine the worker", ""));
  rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0)
    return fail(errno_problem(errno, "forbid core files", ""));
  // The host may have died before the death signal was set.
  if (getppid() != parent)
    return fail(Code::failed_precondition,
                fmt::format("the host that started this worker (process {}) is gone", parent));
  return {};
}

}  // namespace skerry::runtime
