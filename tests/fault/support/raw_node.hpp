// A node by hand: it has joined like any other, and says just what a test has it say.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <zmq.hpp>

#include "core/wire/envelope.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/token.hpp"

namespace skerry::fault {

// Throws std::runtime_error where the cloud does not answer. One thread.
class RawNode {
 public:
  // Joins.
  explicit RawNode(const std::string& token);

  // A greeting that is as it should be; goes on with the outbox that there is.
  wire::Hello hello() const;
  // Opens a session, in a connection of its own.
  wire::Welcome greet();
  void connect();

  void send(std::string frame);
  // As the next message of the outbox, or again with a number of one's choice. Returns the frame.
  template <class Message>
  std::string say(const Message& message, std::uint64_t seq) {
    std::string frame = wire::frame(session_, seq, inbox_, message);
    send(frame);
    return frame;
  }

  // The next message of this type; what comes before it is acknowledged and forgotten.
  template <class Message>
  Message await() {
    return wire::decode<Message>(await_frame(Message::type).payload()).value();
  }
  // The number up to which the cloud has acknowledged, once it has said so anew.
  std::uint64_t acknowledged();

 private:
  wire::Received await_frame(wire::Type type);
  void open(const wire::KeyPair& key);

  zmq::context_t context_;
  zmq::socket_t socket_;
  wire::JoinToken token_;
  wire::KeyPair key_ = wire::KeyPair::generate().value();
  std::uint64_t session_ = 0, inbox_ = 0, sent_ = 0;
  std::string epoch_;
};

}  // namespace skerry::fault
