#include "core/runtime/host_link.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <memory>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/wire/envelope.hpp"

namespace skerry::runtime {
namespace {

constexpr const char* kMonitor = "inproc://host-link";
constexpr auto kConnectTimeout = std::chrono::seconds(10);

void configure(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(wire::kLocalLimit));
  socket.set(zmq::sockopt::reconnect_ivl, 20);
  // The host gives one task at a time, so nothing piles up.
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::rcvhwm, 0);
}

}  // namespace

HostLink::HostLink()
    : socket_(context_, zmq::socket_type::dealer),
      monitor_(context_, zmq::socket_type::pair),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Result<std::unique_ptr<HostLink>> HostLink::connect(const std::string& endpoint) {
  try {
    std::unique_ptr<HostLink> link(new HostLink);
    configure(link->socket_);
    if (zmq_socket_monitor(link->socket_.handle(), kMonitor,
                           ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED) != 0)
      throw zmq::error_t();
    link->monitor_.set(zmq::sockopt::linger, 0);
    link->monitor_.connect(kMonitor);
    link->socket_.connect(endpoint);
    return link;
  } catch (const zmq::error_t& error) {
    return fail(Code::invalid_argument,
                fmt::format("cannot connect to the host at {}: {}", endpoint, error.what()));
  }
}

Result<std::vector<std::string>> HostLink::wait() {
  try {
    zmq::pollitem_t items[] = {{socket_.handle(), 0, ZMQ_POLLIN, 0},
                               {monitor_.handle(), 0, ZMQ_POLLIN, 0},
                               {nullptr, wake_.get(), ZMQ_POLLIN, 0}};
    const auto timeout =
        connected_ ? std::chrono::milliseconds(-1) : std::chrono::milliseconds(kConnectTimeout);
    if (zmq::poll(items, 3, timeout) == 0)
      return fail(Code::deadline_exceeded, "the host does not answer at its local socket");
    if (items[2].revents) {
      eventfd_t count;
      eventfd_read(wake_.get(), &count);
    }
    send_posted();
    auto messages = receive();
    SKERRY_TRY(watch_connection());
    return messages;
  } catch (const zmq::error_t& error) {
    if (error.num() == EINTR) return std::vector<std::string>();
    return fail(Code::internal, fmt::format("the link to the host broke: {}", error.what()));
  }
}

Status HostLink::watch_connection() {
  zmq::message_t event, address;
  while (monitor_.recv(event, zmq::recv_flags::dontwait)) {
    std::uint16_t number = 0;
    std::memcpy(&number, event.data(), sizeof number);
    if (monitor_.recv(address, zmq::recv_flags::dontwait)) connected_ = true;
    if (number == ZMQ_EVENT_DISCONNECTED) return fail(Code::unavailable, "the host is gone");
  }
  return {};
}

void HostLink::send_posted() {
  std::deque<std::string> posted;
  {
    std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  for (auto& frame : posted)
    if (!socket_.send(zmq::buffer(frame), zmq::send_flags::dontwait))
      log_error("a message to the host was dropped");
}

std::vector<std::string> HostLink::receive() {
  std::vector<std::string> messages;
  zmq::message_t message;
  while (socket_.recv(message, zmq::recv_flags::dontwait)) messages.push_back(message.to_string());
  return messages;
}

void HostLink::post(std::string frame) {
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(frame));
  }
  wake();
}

void HostLink::wake() {
  eventfd_write(wake_.get(), 1);
}

}  // namespace skerry::runtime
