#include "core/wire/socket_thread.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "core/base/file.hpp"
#include "core/wire/envelope.hpp"
#include "core/wire/monitor.hpp"
#include "core/wire/sockets.hpp"
#include "tests/unit/wire/support.hpp"

namespace skerry::wire {
namespace {

SocketThread::Deliver into(Mailbox<Incoming>& mailbox) {
  return [&mailbox](SocketThread::Batch&& batch) {
    for (auto& message : batch.messages) mailbox.put(std::move(message));
  };
}

class SocketThreadTest : public testing::Test {
 protected:
  static constexpr std::size_t kMax = 1000;

  Mailbox<Incoming> at_cloud, at_edge;
  Network net;
  SocketThread cloud{net.cloud_context, into(at_cloud)};
  SocketThread edge{net.edge_context, into(at_edge)};
  int router = 0;
  std::string endpoint;

  void SetUp() override {
    std::tie(router, endpoint) = cloud.bind_router({"tcp://127.0.0.1:*", net.cloud, kMax}).value();
  }

  int connect(const KeyPair& key) {
    return edge.connect_dealer({endpoint, key, net.cloud.public_key, kMax}).value();
  }

  // A peer that keeps to no rule.
  zmq::socket_t raw_dealer(const KeyPair& key) {
    zmq::socket_t socket(net.edge_context, zmq::socket_type::dealer);
    set_limits(socket, {1 << 20, 1000, 1000}, endpoint);
    set_curve_client(socket, key, net.cloud.public_key);
    return socket;
  }
};

TEST_F(SocketThreadTest, CarriesMessagesBothWays) {
  const int dealer = connect(net.edge_1);
  edge.send(dealer, "", "hello");
  const auto hello = at_cloud.take();
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->socket, router);
  EXPECT_EQ(hello->user, "edge-1");
  EXPECT_EQ(hello->data, "hello");
  cloud.send(router, hello->peer, "welcome");
  const auto welcome = at_edge.take();
  ASSERT_TRUE(welcome);
  EXPECT_EQ(welcome->socket, dealer);
  EXPECT_EQ(welcome->peer, "");
  EXPECT_EQ(welcome->data, "welcome");
  EXPECT_TRUE(eventually([&] { return cloud.counters().sent == 1; }));
  EXPECT_EQ(cloud.counters().received, 1u);
  EXPECT_EQ(cloud.counters().bytes_received, hello->data.size());
  EXPECT_EQ(cloud.counters().bytes_sent, welcome->data.size());
}

TEST_F(SocketThreadTest, KeepsTheOrderOfManyMessagesFromManyThreads) {
  const int dealer = connect(net.edge_1);
  constexpr int kEach = 2000;
  std::vector<std::thread> senders;
  for (char name : {'a', 'b', 'c'}) {
    senders.emplace_back([&, name] {
      for (int i = 0; i < kEach; ++i) edge.send(dealer, "", name + std::to_string(i));
    });
  }
  std::map<char, int> next;
  for (int i = 0; i < 3 * kEach; ++i) {
    const auto message = at_cloud.take();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->data.substr(1), std::to_string(next[message->data[0]]++));
  }
  for (auto& sender : senders) sender.join();
}

TEST_F(SocketThreadTest, TellsPeersApart) {
  const int one = connect(net.edge_1);
  const int two = connect(net.edge_2);
  edge.send(one, "", "1");
  const auto first = at_cloud.take();
  edge.send(two, "", "2");
  const auto second = at_cloud.take();
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->peer, second->peer);
  EXPECT_EQ(second->user, "edge-2");
  cloud.send(router, second->peer, "to two");
  EXPECT_EQ(at_edge.take()->socket, two);
}

TEST_F(SocketThreadTest, MayAnswerFromWithinTheDelivery) {
  SocketThread* echo = nullptr;
  SocketThread server(net.cloud_context, [&](SocketThread::Batch&& batch) {
    for (auto& message : batch.messages) echo->send(message.socket, message.peer, message.data);
  });
  echo = &server;
  const auto bound = server.bind_router({"tcp://127.0.0.1:*", net.cloud, kMax}).value();
  const int dealer =
      edge.connect_dealer({bound.second, net.edge_1, net.cloud.public_key, kMax}).value();
  for (int i = 0; i < 100; ++i) {
    edge.send(dealer, "", std::to_string(i));
    EXPECT_EQ(at_edge.take()->data, std::to_string(i));
  }
}

// A loop that is slower than its peers keeps what it has in hand, and the rest waits where it was
// sent.
TEST_F(SocketThreadTest, TakesNoMoreThanItsOwnerHasRoomFor) {
  constexpr std::size_t kSize = 60'000;
  constexpr int kMessages = 2000;  // 120 MB
  std::mutex mutex;
  std::vector<std::shared_ptr<const void>> holds;
  std::size_t taken = 0;
  SocketThread slow(net.cloud_context, [&](SocketThread::Batch&& batch) {
    std::lock_guard lock(mutex);
    taken += batch.messages.size();
    holds.push_back(std::move(batch.hold));
  });
  const auto taken_now = [&] {
    std::lock_guard lock(mutex);
    return taken;
  };
  const auto bound = slow.bind_router({"tcp://127.0.0.1:*", net.cloud, 1 << 16}).value();
  SocketThread sender{net.edge_context, [](auto&&) {}};
  const int dealer =
      sender.connect_dealer({bound.second, net.edge_1, net.cloud.public_key, 1 << 16}).value();
  for (int i = 0; i < kMessages; ++i) sender.send(dealer, "", std::string(kSize, 'x'));
  ASSERT_TRUE(eventually([&] { return taken_now() * kSize >= SocketThread::kMaxInHand; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_LE(taken_now() * kSize, SocketThread::kMaxInHand + (5 << 20));
  EXPECT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    holds.clear();
    return taken == kMessages;
  }));
}

TEST_F(SocketThreadTest, CountsTheConnectionsThatItCuts) {
  const int dealer = connect(net.edge_1);
  edge.send(dealer, "", "hello");
  ASSERT_TRUE(at_cloud.take());
  EXPECT_EQ(cloud.counters().cut, 0u);
  cloud.turn_out("edge-1");
  EXPECT_TRUE(eventually([&] { return cloud.counters().cut >= 1; }));
}

TEST_F(SocketThreadTest, DropsMultipartMessagesAndKicksThePeer) {
  auto rogue = raw_dealer(net.edge_2);
  auto monitor = Monitor::open(net.edge_context, rogue).value();
  rogue.connect(endpoint);
  rogue.send(zmq::str_buffer("one"), zmq::send_flags::sndmore);
  rogue.send(zmq::str_buffer("two"), zmq::send_flags::sndmore);
  rogue.send(zmq::str_buffer("three"), zmq::send_flags::none);
  EXPECT_TRUE(eventually([&] { return cloud.counters().dropped_multipart == 1; }));
  EXPECT_TRUE(eventually([&] { return monitor.take() == ZMQ_EVENT_DISCONNECTED; }));

  edge.send(connect(net.edge_1), "", "honest");
  const auto message = at_cloud.take();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->data, "honest");
}

TEST_F(SocketThreadTest, DoesNotSendOversizedMessagesAndGoesOn) {
  const int dealer = connect(net.edge_1);
  edge.send(dealer, "", std::string(kMax + 1, 'x'));
  edge.send(dealer, "", std::string(kMax, 'y'));
  const auto message = at_cloud.take();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->data, std::string(kMax, 'y'));
  EXPECT_EQ(edge.counters().oversized, 1u);
}

TEST_F(SocketThreadTest, DoesNotReceiveOversizedMessagesAndOthersGoOn) {
  const int honest = connect(net.edge_1);
  edge.send(honest, "", "before");
  EXPECT_EQ(at_cloud.take()->data, "before");

  auto rogue = raw_dealer(net.edge_2);
  auto monitor = Monitor::open(net.edge_context, rogue).value();
  rogue.connect(endpoint);
  rogue.send(zmq::buffer(std::string(1 << 19, 'x')), zmq::send_flags::none);
  EXPECT_TRUE(eventually([&] { return monitor.take() == ZMQ_EVENT_DISCONNECTED; }));

  edge.send(honest, "", "after");
  EXPECT_EQ(at_cloud.take()->data, "after");
}

TEST_F(SocketThreadTest, CountsMessagesToPeersThatAreGone) {
  cloud.send(router, "nobody", "hello");
  EXPECT_TRUE(eventually([&] { return cloud.counters().dropped_no_peer == 1; }));
  cloud.disconnect(router);
  cloud.send(router, "nobody", "hello");
  EXPECT_TRUE(eventually([&] { return cloud.counters().dropped_no_peer == 2; }));
}

TEST_F(SocketThreadTest, ADealerFindsTheCloudWhenItComesBack) {
  const int dealer = connect(net.edge_1);
  edge.send(dealer, "", "before");
  ASSERT_TRUE(at_cloud.take());
  cloud.disconnect(router);
  ASSERT_TRUE(eventually([&] {
    return cloud.bind_router({endpoint, net.cloud, kMax}).has_value();
  }));
  ASSERT_TRUE(eventually([&] {
    edge.send(dealer, "", "after");
    return !at_cloud.empty();
  }));
  EXPECT_EQ(at_cloud.take()->data, "after");
}

TEST_F(SocketThreadTest, MayDropInsteadOfQueueingWhileDisconnected) {
  SocketThread::DealerOptions options{"tcp://127.0.0.1:1", net.edge_1, net.cloud.public_key, kMax};
  options.queue_while_disconnected = false;
  const int dealer = edge.connect_dealer(options).value();
  edge.send(dealer, "", "lost");
  EXPECT_TRUE(eventually([&] { return edge.counters().dropped_full == 1; }));
}

TEST_F(SocketThreadTest, WorksOverIpcWithoutKeys) {
  const auto dir = TempDir::create().value();
  const auto bound =
      cloud.bind_router({"ipc://" + (dir.path() / "s").string(), {}, kLocalLimit}).value();
  const int dealer = edge.connect_dealer({bound.second, {}, "", kLocalLimit}).value();
  const std::string big(8 << 20, 'b');
  edge.send(dealer, "", big);
  const auto message = at_cloud.take();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->data, big);
  EXPECT_EQ(message->user, "");
  cloud.send(bound.first, message->peer, "pong");
  EXPECT_EQ(at_edge.take()->data, "pong");
}

// What another user of the machine gets to hear at a local socket: 0 bytes, then the end.
TEST_F(SocketThreadTest, LetsNoOtherUserInOverIpc) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const auto dir = TempDir::create().value();
  const auto path = (dir.path() / "s").string();
  ASSERT_TRUE(cloud.bind_router({"ipc://" + path, {}, kLocalLimit}));
  ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  for (const uid_t user : {uid_t{65534}, uid_t{0}}) {
    const pid_t child = ::fork();
    if (child == 0) {  // system calls only: the other threads are not here
      char byte = 0;
      const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
      if (::setresuid(user, user, user) != 0) ::_exit(90);
      if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) ::_exit(91);
      ::_exit(::read(fd, &byte, 1) == 1 ? 1 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), user == 0 ? 1 : 0);
  }
}

TEST_F(SocketThreadTest, ExplainsWhyItCannotListen) {
  const auto taken = cloud.bind_router({endpoint, net.cloud, kMax});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::unavailable);
  EXPECT_NE(taken.error().message.find(endpoint), std::string::npos) << taken.error().text();
  EXPECT_FALSE(cloud.bind_router({"nonsense", net.cloud, kMax}));
  EXPECT_FALSE(edge.connect_dealer({"tcp://no-port", net.edge_1, net.cloud.public_key, kMax}));
}

}  // namespace
}  // namespace skerry::wire
