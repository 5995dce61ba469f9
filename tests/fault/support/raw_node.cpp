#include "tests/fault/support/raw_node.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/wire/sockets.hpp"

namespace skerry::fault {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::milliseconds kAskAgain{300};

}  // namespace

RawNode::RawNode(const std::string& token) : token_(wire::JoinToken::parse(token).value()) {
  open(wire::KeyPair::from_secret(token_.secret_key).value());
  send(wire::frame(0, 0, 0, wire::Join{token_.node, key_.public_key}));
  await<wire::Joined>();
}

void RawNode::open(const wire::KeyPair& key) {
  socket_ = zmq::socket_t(context_, zmq::socket_type::dealer);
  socket_.set(zmq::sockopt::linger, 0);
  socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(kAskAgain.count()));
  wire::set_curve_client(socket_, key, token_.server_key);
  socket_.connect(token_.endpoint);
}

void RawNode::connect() {
  open(key_);
}

wire::Hello RawNode::hello() const {
  wire::Hello hello;
  hello.node = token_.node;
  hello.version = "0.1.0";
  hello.outbox = "0123456789abcdef";
  hello.highest_seq = sent_;
  hello.inbox_seq = inbox_;
  hello.cloud_epoch = epoch_;
  return hello;
}

wire::Welcome RawNode::greet() {
  connect();
  send(wire::frame(0, 0, 0, hello()));
  auto welcome = await<wire::Welcome>();
  session_ = welcome.session;
  epoch_ = welcome.cloud_epoch;
  inbox_ = std::max(inbox_, welcome.downlink_seq);
  return welcome;
}

void RawNode::send(std::string frame) {
  if (const auto view = wire::check_frame(frame, wire::kControlLimit))
    sent_ = std::max(sent_, view->header.seq);
  socket_.send(zmq::buffer(frame));
}

wire::Received RawNode::await_frame(wire::Type type) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    zmq::message_t message;
    if (!socket_.recv(message)) {
      // Acknowledges, and shows that this node is there.
      if (session_ != 0)
        socket_.send(zmq::buffer(wire::frame({wire::Type::ping, session_, 0, inbox_})));
      continue;
    }
    auto received = wire::parse_frame(message.to_string(), wire::kControlLimit).value();
    if (received.header.seq == inbox_ + 1) ++inbox_;
    if (received.header.type == type) return received;
  }
  throw std::runtime_error("the cloud sends no message of type " +
                           std::to_string(static_cast<int>(type)));
}

std::uint64_t RawNode::acknowledged() {
  return await_frame(wire::Type::ack).header.ack;
}

}  // namespace skerry::fault
