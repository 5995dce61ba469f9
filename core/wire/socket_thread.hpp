// Control sockets: one thread that owns many ZeroMQ sockets and never blocks on any of them.
//
// A message is sent at most once and may be lost; sessions acknowledge and resend. Every drop is
// counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "core/wire/transport.hpp"
#include "core/wire/zap.hpp"

namespace zmq {
class context_t;
}

namespace skerry::wire {

class SocketThread : public Transport {
 public:
  // All that arrived in one wake-up. While more than kMaxInHand bytes of messages are held, nothing
  // more is taken from any socket: a peer that floods waits in the kernel and not in memory.
  struct Batch {
    std::vector<Incoming> messages;
    std::shared_ptr<const void> hold;  // let go of it when they have been handled; any thread
  };
  static constexpr std::size_t kMaxInHand = 16u << 20;

  // Called on the socket thread; must only hand over. It may call send().
  using Deliver = std::function<void(Batch&&)>;

  struct RouterOptions {
    std::string endpoint;          // "tcp://ADDRESS:PORT", port * for any free one, or "ipc://PATH"
    std::optional<KeyPair> curve;  // with it a ZAP handler must be running
    std::size_t max_message = 0;   // bytes, both ways
    std::size_t max_answer = 0;    // bytes, outwards, where it is another limit
    int high_water = 10000;        // messages a peer, outwards
    // With curve: who hung up before it said anything, at most once a minute an address; called on
    // the socket thread. Whose key is refused is the ZAP handler's to tell.
    std::function<void(const Refusal&)> on_refused = {};
  };
  struct Counters {
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    std::uint64_t dropped_no_peer = 0;  // the peer is gone
    std::uint64_t dropped_full = 0;     // high-water mark, or not connected
    std::uint64_t dropped_multipart =
        0;                         // arrived in more than one frame; the TCP peer was disconnected
    std::uint64_t oversized = 0;   // not sent
    std::uint64_t turned_out = 0;  // arrived from somebody who was turned out
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
    // Connections: turned out, too many, or without an end to what they sent.
    std::uint64_t cut = 0;
  };

  // The context must outlive the thread.
  SocketThread(zmq::context_t& context, Deliver deliver);
  ~SocketThread() override;  // joins; what has not left is dropped

  // Any thread. Socket number and bound endpoint ("*" replaced by the port).
  Result<std::pair<int, std::string>> bind_router(const RouterOptions& options);
  // Any thread.
  Result<int> connect_dealer(const DealerOptions& options) override;
  // Any thread. Longer than max_message: counted, logged, not sent.
  void send(int socket, std::string peer, std::string data) override;
  // Any thread.
  void disconnect(int socket) override;
  // Any thread. Connections with this ZAP user id are cut, once what was sent to them has left, and
  // nothing more is taken from them.
  void turn_out(std::string user);
  Counters counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::wire
