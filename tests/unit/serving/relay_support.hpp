// What the tests of the relays share: real relays on real sockets, and workers and nodes that do
// what a test says.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/crypto.hpp"
#include "core/base/file.hpp"
#include "core/client/client.hpp"
#include "core/serving/cloud_relay.hpp"
#include "core/serving/edge_relay.hpp"
#include "core/wire/local_link.hpp"
#include "core/wire/predict.hpp"
#include "core/wire/sockets.hpp"
#include "tests/unit/wire/support.hpp"

namespace skerry::serving {

using wire::eventually;
using Frame = wire::LocalLink::Frame;

inline wire::LocalLink::Clock::time_point soon() {
  return wire::LocalLink::Clock::now() + wire::kDeadline;
}

inline wire::PredictRequest question(const std::string& service = "digits",
                                     std::uint32_t patience_us = 20'000'000) {
  return {.service = service, .patience_us = patience_us, .form = wire::Form::uint8, .shape = {4}};
}

inline Bytes example() {
  return as_bytes("abcd");
}

inline wire::PredictReply reply_of(const Frame& frame) {
  const auto reply = wire::parse_reply(frame.payload);
  if (!reply) {
    ADD_FAILURE() << reply.error().text();
    return {};
  }
  return reply->meta;
}

// A worker's end of its host's socket. What it does with questions is the test's to say.
class FakeWorker {
 public:
  explicit FakeWorker(const std::string& endpoint)
      : link_(wire::LocalLink::connect(endpoint).value()) {}

  // Shows its ticket; says so when it was given the seat.
  void ask_for_seat(std::uint64_t ticket, std::uint32_t credit = 1024) {
    link_->send(wire::frame(0, 0, 0, wire::TakeSeat{ticket, session, credit}));
  }
  void sit(std::uint64_t ticket, std::uint32_t credit = 1024) {
    ask_for_seat(ticket, credit);
    EXPECT_EQ(next_type(), wire::Type::seated);
  }

  // The next frame; fails where none comes.
  Frame next() {
    if (link_->wait(soon()))
      if (auto frame = link_->take()) return std::move(*frame);
    ADD_FAILURE() << "nothing came";
    return {};
  }
  wire::Type next_type() { return next().header.type; }
  // The next frame, which has to be a question.
  Frame next_question() {
    Frame frame = next();
    EXPECT_EQ(frame.header.type, wire::Type::predict_request);
    return frame;
  }
  std::optional<Frame> next_within(std::chrono::milliseconds time) {
    if (!link_->wait(wire::LocalLink::Clock::now() + time)) return std::nullopt;
    return link_->take();
  }
  // What is there now.
  std::optional<Frame> take() { return link_->take(); }

  void answer(const Frame& frame, std::uint64_t version = 1, float output = 0.5F) {
    wire::PredictReply reply;
    reply.version = version;
    const std::vector<float> outputs{output};
    link_->send(wire::frame_reply(frame.header.session, frame.header.seq, reply,
                                  std::as_bytes(std::span(outputs))));
  }
  void ask_cloud(std::uint64_t seq, const wire::PredictRequest& request = question()) {
    link_->send(wire::frame_request(session, seq, request, example()));
  }
  wire::LocalLink& link() { return *link_; }

  std::uint64_t session = new_number();

 private:
  static std::uint64_t new_number() {
    static std::uint64_t last = 1000;
    return ++last;
  }
  std::unique_ptr<wire::LocalLink> link_;
};

// A node's connection to a cloud's socket for questions, without a relay of its own.
class FakeNode {
 public:
  FakeNode(zmq::context_t& context, const std::string& endpoint, const wire::KeyPair& self,
           const std::string& cloud)
      : socket_(context, zmq::socket_type::dealer) {
    wire::set_limits(socket_, {wire::kPredictLimit, 1024, 1024}, endpoint);
    wire::set_curve_client(socket_, self, cloud);
    socket_.set(zmq::sockopt::rcvtimeo, 30'000);
    socket_.connect(endpoint);
  }
  void send(const std::string& frame) { socket_.send(zmq::buffer(frame), zmq::send_flags::none); }
  void ask(std::uint64_t seq, const wire::PredictRequest& request = question()) {
    send(wire::frame_request(session, seq, request, example()));
  }
  // The number of the question that was answered, and how; fails where nothing comes.
  std::pair<std::uint64_t, wire::PredictReply> next() {
    zmq::message_t body;
    if (!socket_.recv(body)) {
      ADD_FAILURE() << "nothing came";
      return {};
    }
    const auto view = wire::check_frame(body.to_string_view(), wire::kPredictLimit);
    if (!view) {
      ADD_FAILURE() << view.error().text();
      return {};
    }
    EXPECT_EQ(view->header.session, session);
    return {view->header.seq, wire::parse_reply(view->payload)->meta};
  }

  std::uint64_t session = 77;

 private:
  zmq::socket_t socket_;
};

// A cloud that knows edge-1 and edge-2, and edge-1 with its relay; the job digits.7 works on both
// nodes.
class RelayTest : public testing::Test {
 protected:
  RelayTest() {
    EXPECT_TRUE(init_sodium());
    access.replace({{"edge-1", "digits.7"}, {"edge-2", "digits.7"}});
    start_edge();
  }

  std::string path(const char* name) const { return "ipc://" + (dir.path() / name).string(); }
  void start_edge() { edge = EdgeRelay::start(net.edge_context, path("edge")).value(); }
  void start_cloud(const std::string& endpoint = "tcp://127.0.0.1:*") {
    cloud =
        CloudRelay::start(net.cloud_context,
                          {.local = path("cloud"), .endpoint = endpoint, .key = net.cloud}, access)
            .value();
  }
  void connect_edge() { edge->connect(cloud->endpoint(), net.edge_1, net.cloud.public_key); }
  std::unique_ptr<FakeNode> node(const wire::KeyPair& key) {
    return std::make_unique<FakeNode>(net.edge_context, cloud->endpoint(), key,
                                      net.cloud.public_key);
  }

  static Place place(std::uint64_t version = 1, std::uint32_t replica = 0) {
    return {"digits.7", "digits", version, replica};
  }
  // One that has its seat.
  std::unique_ptr<FakeWorker> edge_worker(std::uint64_t version = 1, std::uint32_t credit = 1024,
                                          std::uint32_t replica = 0) {
    auto worker = std::make_unique<FakeWorker>(path("edge"));
    worker->sit(ticket = edge->reserve(place(version, replica)), credit);
    return worker;
  }
  std::unique_ptr<FakeWorker> cloud_worker(std::uint64_t version = 1, std::uint32_t credit = 16,
                                           std::uint32_t replica = 0) {
    auto worker = std::make_unique<FakeWorker>(path("cloud"));
    worker->sit(ticket = cloud->reserve(place(version, replica)), credit);
    return worker;
  }
  client::Client application() { return client::Client::connect(path("edge")).value(); }

  static client::Answer next(client::Client& client) {
    auto answer = client.next(soon());
    if (!answer) ADD_FAILURE() << "no answer came";
    return answer ? std::move(*answer) : client::Answer{};
  }
  static client::Answer ask(client::Client& client,
                            const wire::PredictRequest& request = question()) {
    return client.answer_to(client.ask(request, example()));
  }
  // Asks until the cloud has answered: it takes a moment to be connected.
  void await_cloud(FakeWorker& asker, FakeWorker& answerer) {
    std::uint64_t seq = 1'000'000;
    ASSERT_TRUE(eventually([&] {
      asker.ask_cloud(++seq);
      for (int i = 0; i < 200; ++i) {
        if (auto asked = answerer.next_within(std::chrono::milliseconds(5)))
          answerer.answer(*asked);
        const auto reply = asker.next_within(std::chrono::milliseconds(5));
        if (reply) return reply_of(*reply).code.empty();
      }
      return false;
    })) << "the edge is not connected to the cloud";
  }

  TempDir dir = TempDir::create().value();
  wire::Network net;
  Access access;
  std::unique_ptr<EdgeRelay> edge;
  std::unique_ptr<CloudRelay> cloud;
  std::uint64_t ticket = 0;  // of the worker that came last
};

}  // namespace skerry::serving
