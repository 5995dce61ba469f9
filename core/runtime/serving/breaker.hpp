// Whether the cloud is worth asking: after some questions in a row that it did not answer it is
// left alone, but for one probe now and then. One thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace skerry::runtime {

class Breaker {
 public:
  using Clock = std::chrono::steady_clock;
  enum class State { closed, open, probing };

  struct Limits {
    int misses = 3;  // in a row, and it opens
    std::chrono::milliseconds first_probe{100}, longest_pause{800};
  };

  Breaker() : Breaker(Limits{}) {}
  explicit Breaker(Limits limits) : limits_(limits) {}

  // May this question go to the cloud? A yes while it is open makes the question the probe, of
  // which answered() or missed() must tell.
  bool admit(Clock::time_point now) {
    if (state_ == State::closed) return true;
    if (state_ == State::probing || now < probe_at_) return false;
    state_ = State::probing;
    probed_at_ = now;
    return true;
  }
  void answered() {
    state_ = State::closed;
    misses_ = 0;
    pause_ = {};
  }
  // True: it has opened by this. `asked`: when the question was; one from before the probe says
  // nothing about it.
  bool missed(Clock::time_point now, Clock::time_point asked) {
    if (state_ == State::probing && asked < probed_at_) return false;
    ++misses_;
    if (state_ == State::closed && misses_ < limits_.misses) return false;
    const bool opened = state_ == State::closed;
    if (state_ == State::open) return false;  // one that was on its way before
    pause_ = opened ? limits_.first_probe : std::min(2 * pause_, limits_.longest_pause);
    probe_at_ = now + pause_;
    state_ = State::open;
    return opened;
  }
  State state() const { return state_; }

 private:
  const Limits limits_;
  State state_ = State::closed;
  int misses_ = 0;
  std::chrono::milliseconds pause_{};
  Clock::time_point probe_at_{}, probed_at_{};
};

}  // namespace skerry::runtime
