#pragma once

#include <chrono>
#include <cstdint>

namespace skerry::runtime {

// As questions and answers carry it; at most 71 minutes.
inline std::uint32_t microseconds(std::chrono::steady_clock::duration time) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(time).count());
}

}  // namespace skerry::runtime
