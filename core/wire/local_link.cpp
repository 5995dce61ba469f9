#include "core/wire/local_link.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/wire/predict.hpp"
#include "core/wire/sockets.hpp"

namespace skerry::wire {
namespace {

constexpr int kLinger = 1000;  // milliseconds

constexpr const char* kMonitor = "inproc://local-link";

Status await_connection(zmq::socket_t& monitor, std::chrono::milliseconds timeout) {
  zmq::pollitem_t item{monitor.handle(), 0, ZMQ_POLLIN, 0};
  if (zmq::poll(&item, 1, timeout) == 0)
    return fail(Code::unavailable, "the host's socket for questions does not answer");
  return {};
}

}  // namespace

Result<std::unique_ptr<LocalLink>> LocalLink::connect(const std::string& endpoint,
                                                      std::chrono::milliseconds timeout) try {
  std::unique_ptr<LocalLink> link(new LocalLink);
  zmq::socket_t& socket = link->socket_;
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(kPredictLimit));
  socket.set(zmq::sockopt::sndhwm, 0);  // bounded by the questions in hand
  socket.set(zmq::sockopt::rcvhwm, 0);
  zmq::socket_t monitor(link->context_, zmq::socket_type::pair);
  if (zmq_socket_monitor(socket.handle(), kMonitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED) != 0)
    throw zmq::error_t();
  monitor.set(zmq::sockopt::linger, 0);
  monitor.connect(kMonitor);
  socket.connect(endpoint);
  SKERRY_TRY(await_connection(monitor, timeout));
  zmq_socket_monitor(socket.handle(), nullptr, 0);
  return link;
} catch (const zmq::error_t& error) {
  return fail(Code::internal, fmt::format("cannot connect to {}: {}", endpoint, error.what()));
}

std::optional<LocalLink::Frame> LocalLink::take() {
  if (next_) return std::exchange(next_, std::nullopt);
  Frame frame;
  while (zmq_msg_recv(frame.body.handle(), socket_.handle(), ZMQ_DONTWAIT) >= 0) {
    const auto view = check_frame(frame.body.to_string_view(), kPredictLimit);
    if (!view) {
      log_warn("a question is left out: " + view.error().text());
      continue;
    }
    frame.header = view->header;
    frame.payload = view->payload;
    return frame;
  }
  return std::nullopt;
}

// zmq_poll counts in milliseconds, which are too long to wait for a batch to fill. The descriptor
// tells of news once: it may be waited for only after a receive that found nothing.
bool LocalLink::wait(Clock::time_point until) {
  for (;;) {
    if (!next_) next_ = take();
    if (next_) return true;
    const auto left =
        std::chrono::duration_cast<std::chrono::nanoseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    pollfd descriptor{socket_.get(zmq::sockopt::fd), POLLIN, 0};
    const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
    ::ppoll(&descriptor, 1, &timeout, nullptr);
  }
}

void LocalLink::finish() {
  next_.reset();
  socket_.set(zmq::sockopt::linger, kLinger);
  socket_.close();
  context_.close();
}

int LocalLink::descriptor() const {
  return socket_.get(zmq::sockopt::fd);
}

void LocalLink::send(std::string frame) {
  socket_.send(message_of(std::move(frame)), zmq::send_flags::dontwait);
}

}  // namespace skerry::wire
