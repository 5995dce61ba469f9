#include "core/runtime/syscall_filter.hpp"

#include <errno.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <memory>

#include "core/base/file.hpp"

namespace skerry::runtime {
namespace {

constexpr const char* kDenied[] = {
    // other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise",
    // file systems and namespaces
    "mount", "umount2", "umount", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen",
    "fsconfig", "fsmount", "fspick", "mount_setattr", "unshare", "setns", "open_by_handle_at",
    "quotactl", "quotactl_fd", "swapon", "swapoff", "acct",
    // the kernel and the machine
    "bpf", "perf_event_open", "kexec_load", "kexec_file_load", "init_module", "finit_module",
    "delete_module", "reboot", "syslog", "iopl", "ioperm", "settimeofday", "clock_settime",
    "clock_adjtime", "sethostname", "setdomainname", "vhangup", "lookup_dcookie",
    // favourites of exploits
    "keyctl", "add_key", "request_key", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register"};

struct Release {
  void operator()(void* context) const { seccomp_release(context); }
};
using Filter = std::unique_ptr<void, Release>;

Status load(void* filter) {
  if (const int error = seccomp_load(filter); error != 0)
    return fail(errno_problem(-error, "restrict what system calls the worker may make", ""));
  return {};
}

}  // namespace

bool syscall_filter_available() {
  const std::uint32_t action = SECCOMP_RET_ERRNO;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

Status deny_syscalls() {
  const Filter filter(seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return fail(Code::internal, "cannot make a filter of system calls");
  for (const char* name : kDenied) {
    const int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) continue;  // of a machine or a kernel that this library predates
    if (const int error = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), number, 0);
        error != 0 && error != -EDOM)
      return fail(errno_problem(-error, std::string("deny the system call ") + name, ""));
  }
  return load(filter.get());
}

Status deny_local_sockets() {
  const Filter filter(seccomp_init(SCMP_ACT_ALLOW));
  if (!filter) return fail(Code::internal, "cannot make a filter of system calls");
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  if (const int error = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                                         SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
      error != 0)
    return fail(errno_problem(-error, "deny new local sockets", ""));
  return load(filter.get());
}

}  // namespace skerry::runtime
