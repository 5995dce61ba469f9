#pragma once

#include <cstdint>

namespace skerry::runtime {

// RLIMIT_DATA of this process in bytes; 0: none.
std::uint64_t memory_limit();

// From now on it is noticed when C++ code, a plugin's too, asks for memory that the limit does not
// give. Once, at start.
void watch_memory();
bool memory_ran_out();  // any thread

}  // namespace skerry::runtime
