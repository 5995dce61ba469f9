#pragma once

#include "core/base/result.hpp"

namespace skerry::runtime {

bool syscall_filter_available();

// From now on this thread and those that it starts get EPERM from the calls that no plugin needs
// and an intruder would like: debugging other processes, mounts, modules, keys, namespaces, reboot
// and the like. A list of what is denied, not of what is allowed: numeric libraries use more than
// anybody would think of. Needs no_new_privs.
Status deny_syscalls();

// The same for new local (Unix) sockets, in all threads of this process: an operator's socket takes
// whoever has the host's user, and workers have it. Once the worker has its own connection.
Status deny_local_sockets();

}  // namespace skerry::runtime
