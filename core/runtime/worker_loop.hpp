#pragma once

#include <cstdint>
#include <string>

#include "core/runtime/launcher.hpp"

namespace skerry::runtime {

struct WorkerOptions {
  std::string endpoint;  // where the host listens
  std::string id;
  std::string serving;  // where questions come from; empty: it serves nothing
  WorkerRole role = WorkerRole::task;
  std::uint32_t threads = 1;
  bool sandbox = false;  // no new local sockets once the host has answered
};

// Serves the host until it says so or is gone, and returns the exit status. A plugin that is still
// at work then keeps its thread, so the process is ended at once rather than returned from.
int run_worker(const WorkerOptions& options);

}  // namespace skerry::runtime
