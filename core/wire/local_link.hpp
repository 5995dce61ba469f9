// A connection to what passes questions on (core/serving), over ipc: of a worker that serves, and
// of an application that asks. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "core/base/result.hpp"
#include "core/wire/envelope.hpp"

namespace skerry::wire {

class LocalLink {
 public:
  using Clock = std::chrono::steady_clock;

  // A frame as it came; what is read of it borrows from `body`.
  struct Frame {
    Header header;
    Bytes payload;
    zmq::message_t body;
  };

  // Returns when the connection stands: a confined worker cannot make another.
  static Result<std::unique_ptr<LocalLink>> connect(
      const std::string& endpoint, std::chrono::milliseconds timeout = std::chrono::seconds(5));

  // Waits until there is something to take; false: `until` came first.
  bool wait(Clock::time_point until);
  // What is malformed is left out.
  std::optional<Frame> take();
  void send(std::string frame);
  // Returns when what was sent has left, or can't. Nothing is sent or taken after it.
  void finish();
  // Readable when there may be something to take.
  int descriptor() const;

 private:
  LocalLink() : socket_(context_, zmq::socket_type::dealer) {}

  zmq::context_t context_{1};
  zmq::socket_t socket_;
  std::optional<Frame> next_;  // taken by wait()
};

}  // namespace skerry::wire
