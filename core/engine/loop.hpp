// What an engine asks of the world around it, besides its database and its messages: the time, its
// next turn, and work that must not hold it up. The hosts' loop is Asio's (asio_loop.hpp). An
// engine that knows no other clock and no other thread can be run in virtual time, which is how the
// simulator tries out crashes, losses and delays by the thousand.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace skerry::engine {

class Loop {
 public:
  using Clock = std::chrono::steady_clock;
  using Work = std::function<void()>;

  // Rings once; not after it was destroyed.
  class Alarm {
   public:
    virtual ~Alarm() = default;
  };

  virtual ~Loop() = default;
  virtual Clock::time_point now() const = 0;
  // Any thread. In the order of the calls, and never before this returns.
  virtual void post(Work work) = 0;
  virtual std::unique_ptr<Alarm> after(Clock::duration delay, Work work) = 0;
  // `work` runs on a thread aside, one after the other, then `done` on the loop.
  virtual void aside(Work work, Work done) = 0;
  // Uniform in [0, 1), for jitter.
  virtual double random() = 0;
};

}  // namespace skerry::engine
