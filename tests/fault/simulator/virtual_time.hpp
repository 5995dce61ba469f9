// Time that passes only when something is due, and the luck of a run: all of it follows from a
// seed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <utility>

#include "core/engine/loop.hpp"

namespace skerry::simulator {

using Clock = engine::Loop::Clock;
using Duration = Clock::duration;

class VirtualTime {
 public:
  explicit VirtualTime(std::uint64_t seed) : random_(seed) {}
  VirtualTime(const VirtualTime&) = delete;
  VirtualTime& operator=(const VirtualTime&) = delete;

  Clock::time_point now() const { return now_; }
  double seconds() const {
    return std::chrono::duration<double>(now_ - Clock::time_point{}).count();
  }

  // What is due at one time happens in the order of these calls.
  void after(Duration delay, std::function<void()> work) {
    due_.emplace(std::pair{now_ + std::max(delay, Duration::zero()), ++count_}, std::move(work));
  }
  // False: nothing is left to happen.
  bool step() {
    if (due_.empty()) return false;
    auto first = due_.extract(due_.begin());
    now_ = first.key().first;
    first.mapped()();
    return true;
  }

  // [0, 1), of 53 bits: the same with every standard library.
  double uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(double probability) { return uniform() < probability; }
  Duration between(double from_seconds, double to_seconds) {
    return std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(from_seconds + uniform() * (to_seconds - from_seconds)));
  }

 private:
  std::mt19937_64 random_;
  Clock::time_point now_{};
  std::uint64_t count_ = 0;
  std::map<std::pair<Clock::time_point, std::uint64_t>, std::function<void()>> due_;
};

}  // namespace skerry::simulator
