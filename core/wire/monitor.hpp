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
  struct Event {
    std::uint16_t number = 0;  // ZMQ_EVENT_*
    std::uint32_t value = 0;   // a descriptor or an error, as the event has it
  };

  // Before the socket connects or binds. `more`: events besides those of a client's connections.
  static Result<Monitor> open(zmq::context_t& context, zmq::socket_t& socket, int more = 0);

  zmq::socket_t& socket() { return events_; }  // readable when there is an event
  // A ZMQ_EVENT_* number: handshakes, disconnections and planned reconnections. Never blocks.
  std::optional<std::uint16_t> take();
  std::optional<Event> next();

 private:
  struct StopWatching {
    void operator()(void* socket) const { zmq_socket_monitor(socket, nullptr, 0); }
  };
  zmq::socket_t events_;
  std::unique_ptr<void, StopWatching> watched_;
};

}  // namespace skerry::wire
