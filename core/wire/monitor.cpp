#include "core/wire/monitor.hpp"

#include <atomic>
#include <cstring>
#include <string>

#include "core/wire/sockets.hpp"

namespace skerry::wire {
namespace {

// Not ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: libzmq 4.3.4 sends it when a frame cannot be decrypted,
// sending it can leave EAGAIN in errno, and then the connection is taken for one that waits instead
// of being closed; when it is closed by the other side, an assertion ends the process.
constexpr int kEvents = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED |
                        ZMQ_EVENT_CONNECT_RETRIED;

}  // namespace

Result<Monitor> Monitor::open(zmq::context_t& context, zmq::socket_t& socket, int more) try {
  static std::atomic<unsigned> counter{0};
  const std::string endpoint = "inproc://skerry.monitor." + std::to_string(counter++);
  if (zmq_socket_monitor(socket.handle(), endpoint.c_str(), kEvents | more) != 0) {
    throw zmq::error_t();
  }
  Monitor monitor;
  monitor.watched_.reset(socket.handle());
  monitor.events_ = zmq::socket_t(context, zmq::socket_type::pair);
  monitor.events_.set(zmq::sockopt::linger, 0);
  monitor.events_.connect(endpoint);
  return monitor;
} catch (const zmq::error_t& error) {
  return fail(zmq_problem(error, "watch", "a socket"));
}

std::optional<std::uint16_t> Monitor::take() {
  const auto event = next();
  if (!event) return std::nullopt;
  return event->number;
}

std::optional<Monitor::Event> Monitor::next() {
  zmq::message_t event;
  if (zmq_msg_recv(event.handle(), events_.handle(), ZMQ_DONTWAIT) < 0) return std::nullopt;
  zmq::message_t address;
  while (event.more() && zmq_msg_recv(address.handle(), events_.handle(), ZMQ_DONTWAIT) >= 0 &&
         address.more()) {
  }
  Event out;
  if (event.size() < sizeof out.number + sizeof out.value) return std::nullopt;
  std::memcpy(&out.number, event.data(), sizeof out.number);
  std::memcpy(&out.value, event.data<char>() + sizeof out.number, sizeof out.value);
  return out;
}

}  // namespace skerry::wire
