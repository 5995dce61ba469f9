// Both ends of a session over real CURVE sockets, with a delay between a socket and its end.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <zmq.hpp>

#include "core/base/crypto.hpp"
#include "core/base/file.hpp"
#include "core/engine/asio_loop.hpp"
#include "core/engine/cloud/nodes.hpp"
#include "core/engine/cloud/peers.hpp"
#include "core/engine/cloud/tables.hpp"
#include "core/engine/edge/link.hpp"
#include "core/engine/edge/tables.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/socket_thread.hpp"
#include "core/wire/zap.hpp"

namespace skerry::engine {
namespace {

using namespace std::chrono_literals;

struct CloudListener : cloud::Peers::Listener {
  void node_online(const std::string&) override { ++online; }
  void node_offline(const std::string&) override { ++offline; }
  void node_revoked(const std::string&) override {}
  std::vector<wire::TaskKey> open_tasks(const std::string&) override { return open; }
  void reconcile(const std::string& node, const std::vector<wire::TaskKey>&,
                 std::uint64_t) override {
    if (on_reconcile) on_reconcile(node);
  }
  void message(const std::string&, const wire::Received& message,
               std::function<void()> done) override {
    uplink.push_back(message.header.seq);
    const Unit::Scope scope(*unit);
    done();
  }
  void progress(const std::string&, const wire::TaskReported& report) override {
    left_out += report.left_out;
  }
  Unit* unit = nullptr;
  int online = 0, offline = 0;
  std::vector<std::uint64_t> uplink;
  std::vector<wire::TaskKey> open;
  std::uint64_t left_out = 0;
  std::function<void(const std::string&)> on_reconcile;
};

struct EdgeListener : edge::Link::Listener {
  void welcomed(const wire::Welcome&) override { ++welcomes; }
  std::vector<wire::TaskKey> tasks() override { return {}; }
  void awaited(const std::vector<wire::TaskKey>& tasks) override { waited_for = tasks; }
  void message(const wire::Received& message) override { downlink.push_back(message.header.seq); }
  void delivered(const wire::TaskKey& key) override { acknowledged.push_back(key.task); }
  void refused(const std::string& message) override { refusal = message; }
  int welcomes = 0;
  std::vector<std::uint64_t> downlink;
  std::vector<std::string> acknowledged;
  std::vector<wire::TaskKey> waited_for;
  std::string refusal;
};

class Session : public testing::Test {
 protected:
  void SetUp() override {
    must(init_sodium());
    must(cloud_database.migrate(cloud::kMigrations));
    must(edge_database.migrate(edge::kMigrations));
    zap = must(wire::ZapHandler::start(context, [](const wire::Refusal&) {}));
    cloud_listener.unit = &cloud_unit;
    const auto bound = must(sockets->bind_router(
        {.endpoint = "tcp://127.0.0.1:*", .curve = cloud_key, .max_message = wire::kControlLimit}));
    router = bound.first;
    nodes.emplace(cloud_unit, [this](auto keys) { zap->set_keys(std::move(keys)); });
    peers.emplace(loop, cloud_unit, *sockets, *nodes, cloud_listener);
    peers->start(router, {.epoch = "epoch", .bulk_port = 1});
    token = must(nodes->invite("harbour", bound.second, cloud_key.public_key));
  }

  // Handles what arrived, `delay` later.
  void receive(std::vector<wire::Incoming> batch) {
    for (const auto& incoming : batch) {
      if (incoming.socket != router) continue;
      if (incoming.data.size() > 60'000) ++large;
      const auto frame = wire::parse_frame(incoming.data, wire::kControlLimit);
      if (frame && frame->header.type == wire::Type::ping) ++pings;
    }
    auto timer = std::make_shared<boost::asio::steady_timer>(io, delay);
    timer->async_wait(
        [this, timer, batch = std::move(batch)](const boost::system::error_code& error) {
          if (error) return;
          const Unit::Scope cloud_scope(cloud_unit);
          const Unit::Scope edge_scope(edge_unit);
          for (const auto& incoming : batch)
            incoming.socket == router ? peers->handle(incoming) : link->handle(incoming);
        });
  }

  void connect() {
    link.emplace(loop, edge_unit, *sockets, edge_key, edge_listener);
    must(link->start(token));
  }

  bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit = 10s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!condition() && std::chrono::steady_clock::now() < end) io.run_for(5ms);
    return condition();
  }

  // Once the edge's first message is acknowledged, no repetition of HELLO is under way.
  void settle() {
    send_up("first");
    ASSERT_TRUE(eventually([&] { return edge_listener.acknowledged.size() == 1; }));
  }

  void send_down() {
    const Unit::Scope scope(cloud_unit);
    peers->send("harbour", wire::ForgetJob{"job"});
  }
  void send_up(const std::string& task) {
    const Unit::Scope scope(edge_unit);
    link->send(wire::TaskFailed{{"job", task}, "failed", "", "test"});
  }

  int large = 0, pings = 0;  // messages that came to the cloud
  std::chrono::milliseconds delay{0};
  boost::asio::io_context io;
  AsioLoop loop{io};
  TempDir dir = must(TempDir::create());
  store::Database cloud_database = must(store::Database::open(dir.path() / "cloud.db"));
  store::Database edge_database = must(store::Database::open(dir.path() / "edge.db"));
  Unit cloud_unit{cloud_database};
  Unit edge_unit{edge_database};
  wire::KeyPair cloud_key = must(wire::KeyPair::generate());
  wire::KeyPair edge_key = must(wire::KeyPair::generate());
  CloudListener cloud_listener;
  EdgeListener edge_listener;
  zmq::context_t context;
  std::unique_ptr<wire::ZapHandler> zap;
  int router = -1;
  std::optional<cloud::Nodes> nodes;
  std::optional<wire::JoinToken> token;
  std::optional<cloud::Peers> peers;
  std::optional<edge::Link> link;
  std::unique_ptr<wire::SocketThread> sockets =
      std::make_unique<wire::SocketThread>(context, [this](wire::SocketThread::Batch&& batch) {
        boost::asio::post(
            io, [this, batch = std::move(batch)]() mutable { receive(std::move(batch.messages)); });
      });

  void TearDown() override { sockets.reset(); }
};

TEST_F(Session, DeliversBothWaysInOrderAndAcknowledges) {
  connect();
  ASSERT_TRUE(eventually([&] { return peers->online("harbour"); }));
  for (int i = 0; i < 20; ++i) send_down();
  for (int i = 0; i < 20; ++i) send_up(std::to_string(i));
  EXPECT_TRUE(eventually([&] {
    return edge_listener.downlink.size() == 20 && edge_listener.acknowledged.size() == 20;
  }));
  for (std::uint64_t i = 0; i < 20; ++i) {
    EXPECT_EQ(edge_listener.downlink[i], i + 1);
    EXPECT_EQ(cloud_listener.uplink[i], i + 1);
  }
}

// HELLO is repeated sooner than a slow link answers, and each one opens a session of its own.
TEST_F(Session, SettlesOverALinkThatIsSlowerThanTheRepetitionOfHello) {
  delay = 150ms;  // 300 ms there and back
  connect();
  ASSERT_TRUE(eventually([&] { return peers->online("harbour"); }));
  send_down();
  send_up("a");
  EXPECT_TRUE(eventually(
      [&] { return !edge_listener.downlink.empty() && !edge_listener.acknowledged.empty(); }));
  const int settled = edge_listener.welcomes;
  send_down();
  send_up("b");
  EXPECT_TRUE(eventually([&] {
    return edge_listener.downlink.size() == 2 && edge_listener.acknowledged.size() == 2;
  }));
  EXPECT_LE(edge_listener.welcomes, settled + 1);
}

// What the reconciliation sends must not overtake the WELCOME that names its session.
TEST_F(Session, SendsWhatReconciliationFindsAfterTheWelcome) {
  cloud_listener.on_reconcile = [&](const std::string& node) {
    peers->send(node, wire::ForgetJob{"job"});
  };
  connect();
  ASSERT_TRUE(eventually([&] { return edge_listener.welcomes > 0; }));
  EXPECT_TRUE(eventually([&] { return !edge_listener.downlink.empty(); }, 2s));
}

// A crash after this point would lose a message that the other side had deleted.
TEST_F(Session, AcknowledgesNothingThatIsNotCommitted) {
  connect();
  settle();
  {
    const Unit::Scope still_open(cloud_unit);
    send_up("a");
    ASSERT_TRUE(eventually([&] { return cloud_listener.uplink.size() == 2; }));
    eventually([&] { return edge_listener.acknowledged.size() == 2; },
               2500ms);  // pings go on meanwhile
    EXPECT_EQ(edge_listener.acknowledged.size(), 1u);
  }
  EXPECT_TRUE(eventually([&] { return edge_listener.acknowledged.size() == 2; }));
}

TEST_F(Session, LetsARevokedNodeInNoMore) {
  connect();
  ASSERT_TRUE(eventually([&] { return peers->online("harbour"); }));
  must(nodes->revoke("harbour"));
  peers->drop("harbour", "revoked", "it was revoked");
  EXPECT_TRUE(eventually([&] { return !edge_listener.refusal.empty(); }));
  edge::Link modified(loop, edge_unit, *sockets, edge_key,
                      edge_listener);  // one that does not give up
  must(modified.start(std::nullopt));
  eventually([&] { return peers->online("harbour"); }, 1s);
  EXPECT_FALSE(peers->online("harbour"));
}

// Its numbers would pass for repetitions of what the cloud has had.
TEST_F(Session, BeginsAnOutboxAnewWhenTheEdgeWasRestored) {
  connect();
  ASSERT_TRUE(eventually([&] { return peers->online("harbour"); }));
  send_up("before");
  ASSERT_TRUE(eventually([&] { return edge_listener.acknowledged.size() == 1; }));
  link.reset();
  const int before = edge_listener.welcomes;  // HELLO may have been repeated
  must(edge_database.exec("UPDATE meta SET value = '1' WHERE key = 'next_seq'"));
  connect();
  ASSERT_TRUE(eventually([&] { return edge_listener.welcomes > before; }));
  send_up("after");
  EXPECT_TRUE(eventually([&] { return edge_listener.acknowledged.size() == 2; }));
  EXPECT_EQ(cloud_listener.uplink, (std::vector<std::uint64_t>{1, 1}));
}

// It would acknowledge what the cloud has never had.
TEST_F(Session, TakesNoWelcomeForAnOutboxThatWasGivenUp) {
  connect();
  ASSERT_TRUE(eventually([&] { return edge_listener.welcomes > 0; }));
  send_up("a");
  wire::Welcome late;
  late.session = 7;
  late.cloud_epoch = "epoch";
  late.uplink_seq = 1;
  late.outbox = "that-of-before";
  {
    const Unit::Scope scope(edge_unit);
    link->handle({link->socket(), "", "", wire::frame(7, 0, 0, late)});
  }
  EXPECT_TRUE(edge_listener.acknowledged.empty());
  EXPECT_TRUE(eventually([&] { return cloud_listener.uplink.size() == 1; }));
  EXPECT_TRUE(eventually([&] { return edge_listener.acknowledged.size() == 1; }));
}

// What the edge has forgotten, because it was acknowledged, nobody must wait for.
TEST_F(Session, GoesOnWithACloudThatWasRestored) {
  connect();
  ASSERT_TRUE(eventually([&] { return peers->online("harbour"); }));
  send_up("before");
  send_down();
  ASSERT_TRUE(eventually(
      [&] { return !edge_listener.acknowledged.empty() && !edge_listener.downlink.empty(); }));
  must(cloud_database.exec("UPDATE node SET uplink_seq = 0, downlink_seq = 0"));
  peers.emplace(loop, cloud_unit, *sockets, *nodes, cloud_listener);
  peers->start(router, {.epoch = "epoch", .bulk_port = 1});
  ASSERT_TRUE(eventually([&] { return peers->online("harbour"); }));
  send_up("after");
  send_down();
  EXPECT_TRUE(eventually([&] {
    return edge_listener.acknowledged.size() == 2 && edge_listener.downlink.size() == 2;
  }));
}

// A cloud that was restored skips the numbers that its edge has had; an edge that is then restored
// from the time before asks for all that there is, and must not wait for those.
TEST_F(Session, GoesOnWhenTheCloudAndThenTheEdgeWereRestored) {
  connect();
  ASSERT_TRUE(eventually([&] { return peers->online("harbour"); }));
  send_down();
  send_down();
  ASSERT_TRUE(eventually([&] { return edge_listener.downlink.size() == 2; }));
  must(cloud_database.exec(
      "DELETE FROM downlink; UPDATE node SET downlink_seq = 1; "
      "INSERT INTO downlink(node, seq, type, payload) VALUES('harbour', 1, 33, x'')"));
  int before = edge_listener.welcomes;
  peers.emplace(loop, cloud_unit, *sockets, *nodes, cloud_listener);
  peers->start(router, {.epoch = "epoch", .bulk_port = 1});
  ASSERT_TRUE(eventually([&] { return edge_listener.welcomes > before; }));
  link.reset();
  must(edge_database.exec("UPDATE meta SET value = 'of before' WHERE key = 'cloud_epoch'"));
  before = edge_listener.welcomes;
  connect();
  ASSERT_TRUE(eventually([&] { return edge_listener.welcomes > before; }));
  send_down();
  EXPECT_TRUE(eventually([&] { return edge_listener.downlink.back() == 3; }));
}

TEST_F(Session, TellsTheEdgeWhatTheCloudWaitsFor) {
  cloud_listener.open = {{"job", "wanted"}};
  connect();
  EXPECT_TRUE(eventually([&] { return edge_listener.waited_for == cloud_listener.open; }));
}

TEST_F(Session, CountsTheReportsThatWereLeftOut) {
  connect();
  for (int i = 0; i < 3; ++i) link->report({{"job", "task"}, 0.5, {}});
  ASSERT_TRUE(eventually([&] { return edge_listener.welcomes > 0; }));
  link->report({{"job", "task"}, 0.75, {}});
  EXPECT_TRUE(eventually([&] { return cloud_listener.left_out == 3; }));
  EXPECT_EQ(peers->counters().reports_lost, 3u);
}

// Reports need no answer: only a ping's tells that the cloud is there.
TEST_F(Session, AnEdgeThatReportsAllTheTimePingsToo) {
  connect();
  ASSERT_TRUE(eventually([&] { return edge_listener.welcomes > 0; }));
  EXPECT_TRUE(eventually([&] {
    link->report({{"job", "task"}, 0.5, {}});
    return pings > 0;
  }));
}

// More than may be on its way at a time, in messages nearly as large as one can be.
TEST_F(Session, DeliversManyLargeMessages) {
  connect();
  settle();
  {
    const Unit::Scope scope(edge_unit);
    for (int i = 0; i < 150; ++i)
      link->send(
          wire::TaskFailed{{"job", std::to_string(i)}, "failed", "", std::string(60'000, 'x')});
  }
  EXPECT_TRUE(eventually([&] { return edge_listener.acknowledged.size() == 151; }));
  EXPECT_EQ(large, 150) << "some were sent again";
  EXPECT_EQ(peers->counters().inbox_full, 0u);
}

// The name of an invitation that was taken back may be given out again.
TEST_F(Session, LetsANodeInWhoseNameWasInvitedBefore) {
  must(nodes->revoke("harbour"));
  peers->drop("harbour", "revoked", "it was revoked");
  token = must(nodes->invite("harbour", token->endpoint, cloud_key.public_key));
  connect();
  EXPECT_TRUE(eventually([&] { return peers->online("harbour"); }));
  EXPECT_EQ(edge_listener.refusal, "");
}

TEST_F(Session, KnowsAtOnceThatAnEdgeHasEnded) {
  connect();
  ASSERT_TRUE(eventually([&] { return edge_listener.welcomes > 0; }));
  link->leave();
  EXPECT_TRUE(eventually([&] { return !peers->online("harbour"); }));  // not after 15 s
}

// Its farewell names the session that it knows; a repetition of its HELLO has opened another.
TEST_F(Session, KnowsAtOnceThatAnEdgeBehindASlowLinkHasEnded) {
  delay = 800ms;  // there and back it takes longer than the edge's patience
  connect();
  ASSERT_TRUE(eventually([&] { return edge_listener.welcomes > 0; }));
  link->leave();
  EXPECT_TRUE(eventually([&] { return !peers->online("harbour"); }));
}

}  // namespace
}  // namespace skerry::engine
