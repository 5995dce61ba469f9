// How the bulk server answers. Internal to core/wire; the bulk thread only, but for the counters.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <zmq.hpp>

#include "core/wire/bulk_server.hpp"
#include "core/wire/envelope.hpp"
#include "core/wire/sockets.hpp"

namespace skerry::wire {

// Whom to answer, and the number that the client gave the transfer: a reply carries it back in
// `seq`.
struct ReplyTo {
  std::string peer;
  std::uint64_t transfer = 0;
};

struct BulkTally {
  std::atomic<std::uint64_t> bytes_sent{0}, bytes_received{0}, uploads_completed{0}, refused{0},
      malformed{0}, dropped{0}, cut{0};
};

class BulkOutlet {
 public:
  BulkOutlet(zmq::socket_t& socket, BulkTally& tally) : socket_(socket), tally_(tally) {}

  BulkTally& tally() { return tally_; }

  bool send(const ReplyTo& to, zmq::message_t frame) {
    if (wire::send(socket_, to.peer, frame) == Sent::ok) return true;
    ++tally_.dropped;
    return false;
  }

  template <class Message>
  void reply(const ReplyTo& to, const Message& message) {
    send(to, zmq::message_t(frame(0, to.transfer, 0, message)));
  }

  void refuse(const ReplyTo& to, const Digest& digest, const Problem& problem) {
    ++tally_.refused;
    reply(to, BlobError{digest, std::string(code_name(problem.code)), problem.text()});
  }

 private:
  zmq::socket_t& socket_;
  BulkTally& tally_;
};

}  // namespace skerry::wire
