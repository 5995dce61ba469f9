// Who is let in.
#include "core/wire/zap.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "core/wire/envelope.hpp"
#include "core/wire/monitor.hpp"
#include "core/wire/refusal_log.hpp"
#include "core/wire/socket_thread.hpp"
#include "core/wire/sockets.hpp"
#include "tests/unit/wire/bulk_support.hpp"
#include "tests/unit/wire/support.hpp"

namespace skerry::wire {
namespace {

// A ZAP handler that lets every key in, as a broken one would.
class LetsAllIn {
 public:
  explicit LetsAllIn(zmq::context_t& context) : socket_(context, zmq::socket_type::rep) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvtimeo, 20);
    socket_.bind("inproc://zeromq.zap.01");
    thread_ = std::thread([this] { run(); });
  }
  ~LetsAllIn() {
    stop_ = true;
    thread_.join();
  }

 private:
  void run() {
    while (!stop_) {
      std::vector<std::string> request;
      zmq::message_t part;
      do {
        if (!socket_.recv(part)) break;
        request.push_back(part.to_string());
      } while (part.more());
      if (request.size() < 2) continue;
      for (const std::string& reply : {std::string("1.0"), request[1], std::string("200"),
                                       std::string("OK"), std::string("anyone")}) {
        socket_.send(zmq::buffer(reply), zmq::send_flags::sndmore);
      }
      socket_.send(zmq::message_t{}, zmq::send_flags::none);
    }
    socket_.close();
  }

  zmq::socket_t socket_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class Zap : public testing::Test {
 protected:
  // Messages that reached the cloud.
  Mailbox<Incoming> arrived;
  Network net;
  std::unique_ptr<SocketThread> cloud =
      std::make_unique<SocketThread>(net.cloud_context, [this](SocketThread::Batch&& batch) {
        for (auto& message : batch.messages) arrived.put(std::move(message));
      });
  SocketThread edges{net.edge_context, [](auto&&) {}};
  std::string endpoint =
      cloud->bind_router({"tcp://127.0.0.1:*", net.cloud, kControlLimit}).value().second;

  int connect(const KeyPair& key) {
    return edges.connect_dealer({endpoint, key, net.cloud.public_key, kControlLimit}).value();
  }
};

TEST_F(Zap, TellsWhoseKeyItIs) {
  edges.send(connect(net.edge_2), "", "hello");
  const auto message = arrived.take();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->user, "edge-2");
  EXPECT_EQ(message->data, "hello");
  EXPECT_FALSE(message->peer.empty());
}

TEST_F(Zap, RefusesAStrangerAndReportsIt) {
  const KeyPair stranger = new_key();
  edges.send(connect(stranger), "", "from a stranger");
  const auto refusal = net.refusals.take();
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->address, "127.0.0.1");
  EXPECT_EQ(refusal->public_key, stranger.public_key);
  EXPECT_EQ(refusal->count, 1u);
  EXPECT_GE(net.zap->refused(), 1u);

  edges.send(connect(net.edge_1), "", "from a friend");
  const auto message = arrived.take();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->data, "from a friend");
}

TEST_F(Zap, AnEdgeThatWasRefusedGetsInOnceItsKeyIsKnown) {
  const KeyPair early = new_key();
  const int socket = connect(early);
  ASSERT_TRUE(net.refusals.take());
  auto keys = net.keys();
  keys[early.public_key] = "edge-3";
  net.zap->set_keys(keys);
  // libzmq dropped what was queued when it was refused, so the message is sent until it arrives.
  ASSERT_TRUE(eventually([&] {
    edges.send(socket, "", "at last");
    return !arrived.empty();
  }));
  EXPECT_EQ(arrived.take()->user, "edge-3");
}

TEST_F(Zap, ARevokedKeyDoesNotComeBack) {
  net.zap->set_keys({{net.edge_1.public_key, "edge-1"}});
  edges.send(connect(net.edge_2), "", "revoked");
  ASSERT_TRUE(net.refusals.take());
  edges.send(connect(net.edge_1), "", "still known");
  EXPECT_EQ(arrived.take()->data, "still known");
}

TEST_F(Zap, AClientWithTheWrongServerKeyNeverConnects) {
  zmq::socket_t socket(net.edge_context, zmq::socket_type::dealer);
  set_limits(socket, {kControlLimit, 10, 10}, endpoint);
  set_curve_client(socket, net.edge_1, new_key().public_key);
  auto monitor = Monitor::open(net.edge_context, socket).value();
  socket.connect(endpoint);
  std::optional<std::uint16_t> event;
  ASSERT_TRUE(eventually([&] { return (event = monitor.take()).has_value(); }));
  EXPECT_NE(*event, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  EXPECT_TRUE(arrived.empty());
}

TEST_F(Zap, StrangersAreProvedToBeRefused) {
  const auto proof = prove_strangers_are_refused(net.edge_context, endpoint, net.cloud.public_key);
  EXPECT_TRUE(proof) << proof.error().text();
}

TEST_F(Zap, TheProofReachesASocketBoundToEveryAddress) {
  const auto bound = cloud->bind_router({"tcp://0.0.0.0:*", net.cloud, kControlLimit}).value();
  EXPECT_TRUE(prove_strangers_are_refused(net.cloud_context, bound.second, net.cloud.public_key));
}

TEST(ZapProof, FailsWhereTheHandlerLetsAllIn) {
  zmq::context_t context;
  LetsAllIn zap(context);
  const KeyPair key = new_key();
  const auto socket = make_router(context, "tcp://127.0.0.1:*", &key, {kControlLimit, 10, 10});
  ASSERT_TRUE(socket);
  const std::string endpoint = socket->get(zmq::sockopt::last_endpoint);
  const auto proof = prove_strangers_are_refused(context, endpoint, key.public_key);
  ASSERT_FALSE(proof);
  EXPECT_EQ(proof.error().code, Code::failed_precondition);
}

TEST(ZapProof, HoldsForABulkServerAndFailsWhereItLetsAllIn) {
  const KeyPair key = new_key();
  FolderBackend backend;
  {
    zmq::context_t context;
    const auto zap = ZapHandler::start(context, {}).value();
    const auto bulk = BulkServer::start(context, "tcp://127.0.0.1:*", key, backend).value();
    EXPECT_TRUE(prove_strangers_are_refused(context, bulk->endpoint(), key.public_key));
  }
  zmq::context_t context;
  LetsAllIn zap(context);
  const auto bulk = BulkServer::start(context, "tcp://127.0.0.1:*", key, backend).value();
  EXPECT_FALSE(prove_strangers_are_refused(context, bulk->endpoint(), key.public_key));
}

TEST(ZapProof, FailsWhereKeysAreNotCheckedAtAll) {
  zmq::context_t context;
  const KeyPair key = new_key();
  zmq::socket_t socket(context, zmq::socket_type::router);
  socket.set(zmq::sockopt::curve_server, true);
  socket.set(zmq::sockopt::curve_secretkey, key.secret_key);
  socket.set(zmq::sockopt::linger, 0);
  socket.bind("tcp://127.0.0.1:*");
  const std::string endpoint = socket.get(zmq::sockopt::last_endpoint);
  EXPECT_FALSE(prove_strangers_are_refused(context, endpoint, key.public_key));
}

TEST(ZapEnforcement, WithoutAHandlerNobodyGetsIn) {
  zmq::context_t context;
  const KeyPair key = new_key(), edge = new_key();
  auto router = make_router(context, "tcp://127.0.0.1:*", &key, {kControlLimit, 10, 10}).value();
  const std::string endpoint = bound_endpoint(router);
  zmq::socket_t socket(context, zmq::socket_type::dealer);
  set_limits(socket, {kControlLimit, 10, 10}, endpoint);
  set_curve_client(socket, edge, key.public_key);
  auto monitor = Monitor::open(context, socket).value();
  socket.connect(endpoint);
  std::optional<std::uint16_t> event;
  ASSERT_TRUE(eventually([&] { return (event = monitor.take()).has_value(); }));
  EXPECT_NE(*event, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
}

TEST(ZapHandler, IsOneAContext) {
  Network net;
  EXPECT_FALSE(ZapHandler::start(net.cloud_context, {}));
}

TEST(RefusalLog, ReportsOnceAMinuteAnAddress) {
  RefusalLog log;
  const auto start = RefusalLog::Clock::now();
  const auto at = [&](int seconds) { return start + std::chrono::seconds(seconds); };
  EXPECT_EQ(log.note("10.0.0.1", "k1", at(0))->count, 1u);
  EXPECT_FALSE(log.note("10.0.0.1", "k2", at(1)));
  EXPECT_FALSE(log.note("10.0.0.1", "k3", at(59)));
  EXPECT_EQ(log.note("10.0.0.2", "k4", at(59))->count, 1u);
  EXPECT_TRUE(log.due(at(59)).empty());
  const auto due = log.due(at(60));
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].address, "10.0.0.1");
  EXPECT_EQ(due[0].public_key, "k3");
  EXPECT_EQ(due[0].count, 2u);
  EXPECT_TRUE(log.due(at(200)).empty());
  EXPECT_EQ(log.note("10.0.0.1", "k5", at(201))->count, 1u);
}

TEST(RefusalLog, StaysSmallUnderAFlood) {
  RefusalLog log;
  const auto now = RefusalLog::Clock::now();
  std::size_t reports = 0;
  for (int i = 0; i < 20000; ++i) {
    if (log.note("address " + std::to_string(i), "key", now)) ++reports;
  }
  EXPECT_EQ(reports, 4097u);
}

}  // namespace
}  // namespace skerry::wire
