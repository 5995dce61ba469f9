#pragma once

#include <chrono>
#include <thread>

namespace skerry::testing {

using Clock = std::chrono::steady_clock;

// How long anything may take that does take place. Slow machines need it; a test that passes does
// not wait for it.
inline constexpr std::chrono::seconds kPatience{60};

// Asks again and again until the answer is yes. False: it was no until the end.
template <class Condition>
bool eventually(Condition&& condition, std::chrono::milliseconds patience = kPatience) {
  const auto deadline = Clock::now() + patience;
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace skerry::testing
