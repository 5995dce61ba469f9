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
#include "core/wire/keys.hpp"

namespace zmq {
class context_t;
}

namespace skerry::wire {

struct Incoming {
  int socket = 0;
  std::string peer;  // routing id, new for each connection; empty on a dealer
  std::string user;  // what the ZAP handler said of the key; empty without CURVE
  std::string data;  // one frame
};

class SocketThread {
 public:
  // Called on the socket thread with all that arrived in one wake-up; must only hand over. It may
  // call send().
  using Deliver = std::function<void(std::vector<Incoming>&&)>;

  struct RouterOptions {
    std::string endpoint;          // "tcp://ADDRESS:PORT", port * for any free one, or "ipc://PATH"
    std::optional<KeyPair> curve;  // with it a ZAP handler must be running
    std::size_t max_message = 0;   // bytes, both ways
    int high_water = 10000;        // messages a peer, each way
  };
  struct DealerOptions {
    std::string endpoint;
    std::optional<KeyPair> curve;
    std::string server_key;  // with curve
    std::size_t max_message = 0;
    int high_water = 10000;
    // What is sent while there is no connection waits for one. When false it is dropped and counted
    // (dropped_full), and so is what was queued when a connection broke.
    bool queue_while_disconnected = true;
  };
  struct Counters {
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    std::uint64_t dropped_no_peer = 0;  // the peer is gone
    std::uint64_t dropped_full = 0;     // high-water mark, or not connected
    std::uint64_t dropped_multipart =
        0;                        // arrived in more than one frame; the TCP peer was disconnected
    std::uint64_t oversized = 0;  // not sent
  };

  // The context must outlive the thread.
  SocketThread(zmq::context_t& context, Deliver deliver);
  ~SocketThread();  // joins; what has not left is dropped

  // Any thread. Socket number and bound endpoint ("*" replaced by the port).
  Result<std::pair<int, std::string>> bind_router(const RouterOptions& options);
  // Any thread. Connects in the background, again and again; a refusal by the server does not end
  // that.
  Result<int> connect_dealer(const DealerOptions& options);
  // Any thread. `peer` is empty for a dealer. Longer than max_message: counted, logged, not sent.
  void send(int socket, std::string peer, std::string data);
  // Any thread. Closes that socket; what has not left is dropped.
  void disconnect(int socket);
  Counters counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::wire
