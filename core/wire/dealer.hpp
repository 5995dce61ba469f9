// A DEALER that stays connected. libzmq connects again by itself after a lost connection, but never
// after a refused key or a broken protocol: an edge that came a moment too early would stay outside
// for ever. Internal to core/wire.
#pragma once

#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <zmq.hpp>

#include "core/wire/monitor.hpp"
#include "core/wire/sockets.hpp"
#include "core/wire/transport.hpp"

namespace skerry::wire {

class Dealer {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    std::string endpoint;
    const KeyPair* self = nullptr;  // with CURVE
    std::string server_key;
    SocketLimits limits;
    bool queue_while_disconnected = true;
  };
  static Result<Dealer> connect(zmq::context_t& context, const Options& options);

  zmq::socket_t& socket() { return socket_; }
  zmq::socket_t& events() { return monitor_.socket(); }

  // Call when events() is readable. True when a connection was made since the last call.
  bool take_events(Clock::time_point now);
  // How attempts to connect ended, as of the last take_events(); the latest one.
  std::optional<Reception> take_reception() { return std::exchange(reception_, std::nullopt); }
  bool connected() const { return connected_; }  // as of the last take_events()
  // When to call retry(); none while libzmq looks after the connection.
  std::optional<Clock::time_point> retry_at() const { return retry_at_; }
  // Connects anew where it is time.
  void retry(Clock::time_point now);

 private:
  std::string endpoint_;
  zmq::socket_t socket_;
  Monitor monitor_;
  bool connected_ = false;
  std::optional<Reception> reception_;
  std::optional<Clock::time_point> retry_at_;
  std::chrono::milliseconds pause_{}, longest_pause_{};
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace skerry::wire
