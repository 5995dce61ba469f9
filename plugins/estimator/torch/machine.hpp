// How LibTorch uses the machine: threads, kernels, memory, random numbers.
#pragma once

#include <cstdint>

namespace skerry::torch_plugin {

// Settings of the whole process, made at the first call.
void set_up_process();

// The calling thread's computations use this many threads from now on. The results of one number of
// threads are always the same; those of another may differ in the last bits.
void use_threads(std::uint32_t threads);

// Seeds LibTorch's generator: initial weights, dropout.
void seed_generator(std::uint64_t seed);

}  // namespace skerry::torch_plugin
