// Those who hold a key, or none, and say that they are somebody else: refused with a reason, and
// told to the logs once a minute however often they come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <zmq.hpp>

#include "core/wire/envelope.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/sockets.hpp"
#include "core/wire/token.hpp"
#include "tests/integration/host_processes.hpp"

namespace skerry::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr int kTries = 20;

class Impostor : public HostsTest {
 protected:
  std::vector<Json> audit(const std::string& action) const {
    std::vector<Json> found;
    const Json log = ask({"audit", "ls"}).json();
    for (const Json& entry : log.at("items"))
      if (entry.at("action") == action) found.push_back(entry);
    return found;
  }
  static std::size_t lines(const Process& process, const std::string& part) {
    std::size_t count = 0;
    const std::string text = process.err();
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
    return count;
  }

  // What the cloud answers to the message, sent with this key over a connection of its own.
  std::optional<wire::Refused> refusal_of(const wire::KeyPair& key, const std::string& frame) {
    const auto at = wire::JoinToken::parse(token("whoever")).value();
    zmq::socket_t socket(context_, zmq::socket_type::dealer);
    wire::set_limits(socket, {wire::kControlLimit, 100, 100}, at.endpoint);
    wire::set_curve_client(socket, key, at.server_key);
    socket.set(zmq::sockopt::rcvtimeo, 10'000);
    socket.connect(at.endpoint);
    socket.send(zmq::buffer(frame), zmq::send_flags::none);
    zmq::message_t answer;
    if (!socket.recv(answer)) return std::nullopt;
    const auto received = wire::parse_frame(answer.to_string_view(), wire::kControlLimit);
    if (!received || received->header.type != wire::Type::refused) return std::nullopt;
    return wire::decode<wire::Refused>(received->payload()).value();
  }

  zmq::context_t context_;
};

TEST_F(Impostor, ANodeThatClaimsAnothersNameIsRefused) {
  Process cloud = start_cloud();
  for (const char* name : {"edge-1", "edge-2"}) {
    Process edge = start_joined_edge(name);
    stop(edge);
  }
  const auto key = wire::KeyPair::load_or_create(scratch / "edge-1" / "edge.key").value();
  wire::Hello hello;
  hello.node = "edge-2";
  hello.outbox = "outbox";
  for (int i = 0; i < kTries; ++i) {
    const auto refused = refusal_of(key, wire::frame(0, 0, 0, hello));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, "wrong_node");
    EXPECT_FALSE(refused->retry);
    EXPECT_THAT(refused->message, HasSubstr("edge-2"));
  }
  EXPECT_EQ(state_of("edge-2"), "offline");
  ASSERT_EQ(audit("message.refused").size(), 1u);
  EXPECT_EQ(audit("message.refused")[0].at("actor"), "node:edge-1");
  EXPECT_EQ(lines(cloud, "node:edge-1: a message is refused"), 1u);
  stop(cloud);
}

TEST_F(Impostor, ATokenIsOfNoUseToAnotherNode) {
  Process cloud = start_cloud();
  const auto invitation = wire::JoinToken::parse(token("edge-1")).value();
  const auto one_time = wire::KeyPair::from_secret(invitation.secret_key).value();
  const wire::Join join{"edge-2", wire::KeyPair::generate().value().public_key};
  for (int i = 0; i < kTries; ++i) {
    const auto refused = refusal_of(one_time, wire::frame(0, 0, 0, join));
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, "wrong_node");
    EXPECT_FALSE(refused->retry);
  }
  EXPECT_EQ(state_of("edge-2"), "unknown");
  EXPECT_EQ(state_of("edge-1"), "invited");
  ASSERT_EQ(audit("node.join_refused").size(), 1u);
  EXPECT_EQ(audit("node.join_refused")[0].at("actor"), "invite:edge-1");
  EXPECT_EQ(lines(cloud, "the token of node edge-1 is refused"), 1u);
  stop(cloud);
}

TEST_F(Impostor, AUsedTokenIsRefusedToEverybodyElse) {
  Process cloud = start_cloud();
  const std::string text = token("edge-1");
  {
    Process edge = start_edge("edge-1", text);
    await_state("edge-1", "online");
    stop(edge);
  }
  const auto invitation = wire::JoinToken::parse(text).value();
  const auto one_time = wire::KeyPair::from_secret(invitation.secret_key).value();
  const wire::Join join{"edge-1", wire::KeyPair::generate().value().public_key};
  for (int i = 0; i < kTries; ++i) {
    const auto refused = refusal_of(one_time, wire::frame(0, 0, 0, join));
    ASSERT_TRUE(refused);
    EXPECT_FALSE(refused->retry);
    EXPECT_THAT(refused->message, HasSubstr("used already"));
  }
  ASSERT_EQ(audit("node.join_refused").size(), 1u);
  EXPECT_EQ(lines(cloud, "the token of node edge-1 is refused"), 1u);
  stop(cloud);
}

TEST_F(Impostor, UnknownKeysAreToldOnceAMinuteOfAnAddress) {
  Process cloud = start_cloud();
  const auto at = wire::JoinToken::parse(token("whoever")).value();
  for (int i = 0; i < kTries; ++i) {
    zmq::socket_t socket(context_, zmq::socket_type::dealer);
    wire::set_limits(socket, {wire::kControlLimit, 100, 100}, at.endpoint);
    wire::set_curve_client(socket, wire::KeyPair::generate().value(), at.server_key);
    socket.connect(at.endpoint);
    socket.set(zmq::sockopt::rcvtimeo, 100);
    zmq::message_t nothing;
    EXPECT_FALSE(socket.recv(nothing));
  }
  EXPECT_TRUE(eventually([&] { return lines(cloud, "refused a connection from 127.0.0.1") > 0; }));
  EXPECT_EQ(lines(cloud, "refused a connection from"), 1u);
  ASSERT_EQ(audit("stranger.refused").size(), 1u);
  EXPECT_EQ(audit("stranger.refused")[0].at("subject"), "127.0.0.1");
  stop(cloud);
}

}  // namespace
}  // namespace skerry::testing
