#include "machine.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <malloc.h>

#include <mutex>

namespace skerry::torch_plugin {
namespace {

// Weights and gradients of a few MB come and go in every step. Given back to the system each time,
// their pages would be mapped and zeroed afresh: up to a fifth of the training time.
void keep_freed_memory() {
  constexpr int kLargestOnHeap = 32 << 20;  // the most that glibc allows
  constexpr int kKeptAtMost = 256 << 20;
  mallopt(M_MMAP_THRESHOLD, kLargestOnHeap);
  mallopt(M_TRIM_THRESHOLD, kKeptAtMost);
}

// OpenBLAS has a thread pool beside OpenMP's, and the idle threads of each spin in the way of the
// other: with two threads in both, training on two cores was up to six times slower than with one
// thread in OpenBLAS.
void keep_blas_single_threaded() {
  using SetThreads = void (*)(int);
  if (auto set = reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads")))
    set(1);
}

}  // namespace

void set_up_process() {
  static std::once_flag once;
  std::call_once(once, [] {
    keep_freed_memory();
    keep_blas_single_threaded();
    at::set_num_interop_threads(1);
  });
}

void use_threads(std::uint32_t threads) {
  if (at::get_num_threads() != static_cast<int>(threads))
    at::set_num_threads(static_cast<int>(threads));
}

void seed_generator(std::uint64_t seed) {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  generator.set_current_seed(seed);
}

}  // namespace skerry::torch_plugin
