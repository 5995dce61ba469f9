#include "core/runtime/confine.hpp"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/runtime/syscall_filter.hpp"

namespace skerry::runtime {
namespace {

constexpr rlim_t kDescriptors = 16384;  // a host has as many as the system gives

Status set_limit(decltype(RLIMIT_CORE) which, rlim_t value, const char* what) {
  const rlimit limit{value, value};
  if (setrlimit(which, &limit) != 0) return fail(errno_problem(errno, what, ""));
  return {};
}

Status limit_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return set_limit(RLIMIT_NOFILE, std::min(limit.rlim_max, kDescriptors),
                   "limit the worker's file descriptors");
}

// Best effort: a machine without it ends some process or other when memory is short.
void offer_to_be_ended_first() {
  const auto file = open_file("/proc/self/oom_score_adj", O_WRONLY);
  if (file && ::write(file->get(), "500", 3) < 0) return;
}

}  // namespace

Status confine_worker(const Confinement& confinement) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail(errno_problem(errno, "confine the worker", ""));
  // The host may have died before the death signal was set.
  if (getppid() != confinement.parent)
    return fail(
        Code::failed_precondition,
        fmt::format("the host that started this worker (process {}) is gone", confinement.parent));
  SKERRY_TRY(set_limit(RLIMIT_CORE, 0, "forbid core files"));
  SKERRY_TRY(limit_descriptors());
  if (confinement.memory > 0)
    SKERRY_TRY(set_limit(RLIMIT_DATA, confinement.memory, "limit the worker's memory"));
  offer_to_be_ended_first();
  if (!confinement.files) return {};
  if (landlock_version() > 0) SKERRY_TRY(restrict_files(*confinement.files));
  if (syscall_filter_available()) SKERRY_TRY(deny_syscalls());
  return {};
}

std::vector<std::string> missing_protections() {
  return missing_protections(landlock_version(), syscall_filter_available());
}

std::vector<std::string> missing_protections(int landlock, bool syscall_filter) {
  std::vector<std::string> missing;
  const auto old = [&](const char* what) {
    missing.push_back(fmt::format(
        "workers run with version {} of Landlock, the newest that this kernel has, so plugins {}",
        landlock, what));
  };
  if (landlock == 0)
    missing.push_back(
        "workers run without Landlock: this kernel lacks it, so plugins can write wherever this "
        "user can, and read this host's keys");
  if (landlock > 0 && landlock < kLandlockTruncates)
    old("can empty files of this user that they cannot write");
  if (landlock > 0 && landlock < kLandlockSignals)
    old("can send signals to this user's other processes");
  if (!syscall_filter)
    missing.push_back("workers run without a filter of system calls: this kernel lacks seccomp");
  return missing;
}

}  // namespace skerry::runtime
