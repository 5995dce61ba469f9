// How an engine sends control messages: each at most once, and any may be lost.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "core/base/result.hpp"
#include "core/wire/keys.hpp"

namespace skerry::wire {

// Of a host's context: one for control messages, one for blobs.
inline constexpr int kIoThreads = 2;

struct Incoming {
  int socket = 0;
  std::string peer;  // routing id, new for each connection; empty on a dealer
  std::string user;  // what the ZAP handler said of the key; empty without CURVE
  std::string data;  // one frame
};

enum class Reception {
  welcome,      // the handshake succeeded
  key_refused,  // this is the server, and it does not let this key in
  cut_short     // the handshake broke: another server's key, no server of ours, or the network
};

class Transport {
 public:
  struct DealerOptions {
    std::string endpoint;
    std::optional<KeyPair> curve;
    std::string server_key;  // with curve
    std::size_t max_message = 0;
    int high_water = 10000;
    // What is sent while there is no connection waits for one. When false it is dropped and counted
    // (dropped_full), and so is what was queued when a connection broke.
    bool queue_while_disconnected = true;
    // How the other side took an attempt to connect. Called on a thread of the transport's own;
    // must only hand over.
    std::function<void(Reception)> on_reception = {};
  };

  virtual ~Transport() = default;
  // Connects in the background, again and again; a refusal by the server does not end that.
  virtual Result<int> connect_dealer(const DealerOptions& options) = 0;
  // `peer` is empty for a dealer.
  virtual void send(int socket, std::string peer, std::string data) = 0;
  // Closes that socket; what has not left is dropped.
  virtual void disconnect(int socket) = 0;
};

}  // namespace skerry::wire
