// What the bulk client's downloads and uploads have in common. Internal to core/wire; the client's
// thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <zmq.hpp>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/wire/envelope.hpp"
#include "core/wire/sockets.hpp"

namespace skerry::wire {

class Transfer {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kPatience{5};  // without an answer, ask again
  static constexpr std::chrono::seconds kPause{1};     // after the server said "not now"

  // `number` goes into every request's `seq` and comes back with the answers.
  Transfer(std::uint64_t number, const Digest& digest) : number_(number), digest_(digest) {}
  virtual ~Transfer() = default;

  // The next frame to send while fewer than `window` chunks are under way.
  virtual std::optional<zmq::message_t> next(std::size_t window) = 0;
  virtual void receive(const FrameView& frame) = 0;

  // Forgets what was sent and not answered: the connection was lost, or an answer.
  void restart(Clock::time_point now) {
    paused_ = false;
    due_ = now + kPatience;
    ask_again();
  }
  Clock::time_point due() const { return due_; }  // when to restart
  bool paused() const { return paused_; }

  const Digest& digest() const { return digest_; }
  const std::optional<Result<std::uint64_t>>& outcome() const { return outcome_; }

 protected:
  virtual void ask_again() = 0;

  void heard() { due_ = Clock::now() + kPatience; }
  void pause() {
    paused_ = true;
    due_ = Clock::now() + kPause;
  }
  void succeed(std::uint64_t bytes_moved) { outcome_ = bytes_moved; }
  void give_up(Problem problem) { outcome_ = fail(std::move(problem)); }
  // Goes on later where the server asks for that, else gives up.
  void refused(const BlobError& error);

  template <class Message>
  zmq::message_t request(const Message& message) const {
    return zmq::message_t(frame(0, number_, 0, message));
  }

  const std::uint64_t number_;
  const Digest digest_;

 private:
  bool paused_ = false;
  Clock::time_point due_ = Clock::now() + kPatience;
  std::optional<Result<std::uint64_t>> outcome_;
};

}  // namespace skerry::wire
