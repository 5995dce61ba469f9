#include "core/runtime/memory_watch.hpp"

#include <sys/resource.h>

#include <atomic>
#include <new>

namespace skerry::runtime {
namespace {

std::atomic<bool> refused = false;

void on_refusal() {
  refused = true;
  throw std::bad_alloc();
}

}  // namespace

std::uint64_t memory_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_DATA, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 0;
  return limit.rlim_cur;
}

void watch_memory() {
  if (memory_limit() > 0) std::set_new_handler(on_refusal);
}

bool memory_ran_out() {
  return refused;
}

}  // namespace skerry::runtime
