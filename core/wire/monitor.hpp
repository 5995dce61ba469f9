// What happens to a socket's connections. Internal to core/wire.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <zmq.hpp>

#include "core/base/result.hpp"

namespace skerry::wire {

// Destroyed before the socket that it watches: libzmq's threads would wait for ever on events that
// nobody can take.
class Monitor {
 public:
  // Before the socket connects.
  static Result<Monitor> open(zmq::context_t& context, zmq::socket_t& socket);

  zmq::socket_t& socket() { return events_; }  // readable when there is an event
  // A ZMQ_EVENT_* number: handshakes, disconnections and planned reconnections. Never blocks.
  std::optional<std::uint16_t> take();

 private:
  struct StopWatching {
    void operator()(void* socket) const { zmq_socket_monitor(socket, nullptr, 0); }
  };
  zmq::socket_t events_;
  std::unique_ptr<void, StopWatching> watched_;
};

}  // namespace skerry::wire
