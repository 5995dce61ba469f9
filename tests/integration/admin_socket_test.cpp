// What somebody can send to the admin socket who does not use `skerry`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <zmq.hpp>

#include "core/wire/envelope.hpp"
#include "core/wire/messages.hpp"
#include "tests/integration/host_processes.hpp"
#include "tests/support/job.hpp"

namespace skerry::testing {
namespace {

class AdminSocket : public HostsTest {
 protected:
  void connect() {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::sndhwm, 0);
    socket_.connect("ipc://" + (cloud_state() / "admin.sock").string());
  }
  void send(const std::string& frame) { socket_.send(zmq::buffer(frame), zmq::send_flags::none); }
  void ask_raw(const std::string& verb, const std::string& body) {
    send(wire::frame(0, 0, 0, wire::AdminRequest{++last_, verb, body}));
  }
  // Nothing: none came within that time.
  std::optional<wire::AdminReply> reply(std::chrono::milliseconds patience) {
    socket_.set(zmq::sockopt::rcvtimeo, static_cast<int>(patience.count()));
    zmq::message_t message;
    if (!socket_.recv(message)) return std::nullopt;
    const auto received = wire::parse_frame(message.to_string_view(), wire::kLocalLimit);
    return wire::decode<wire::AdminReply>(received.value().payload()).value();
  }

  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::dealer};
  std::uint64_t last_ = 0;
};

TEST_F(AdminSocket, AQuestionThatIsMalformedIsAnsweredAndChangesNothing) {
  Process cloud = start_cloud();
  connect();
  const std::string bodies[] = {
      "{}", "[]", "7", "{\"name\": 7}", "{\"name\": \"edge-1\", \"seconds\": []}", "no JSON"};
  for (const std::string& body : bodies) {
    ask_raw("node.token", body);
    const auto answer = reply(kPatience);
    ASSERT_TRUE(answer) << body;
    EXPECT_EQ(answer->id, last_);
    EXPECT_FALSE(answer->ok) << body;
  }
  send("no frame at all");
  EXPECT_TRUE(ask({"get", "nodes"}).json().at("items").empty());
  EXPECT_FALSE(cloud.ended());
}

TEST_F(AdminSocket, ManyWhoWatchAreNotKeptWaitingAllAtOnce) {
  Process cloud = start_cloud();
  ASSERT_TRUE(
      ask({"apply", "-f", scratch.write("job.yaml", JobText("daily").yaml()).string()}).ok());
  connect();
  constexpr int kMany = 1100;
  for (int i = 0; i < kMany; ++i)
    ask_raw("watch", R"({"job": "daily", "after": 1000000, "waitMs": 60000})");
  // The first ones are told that there is nothing new, well before their minute is over.
  for (std::uint64_t i = 1; i <= 100; ++i) {
    const auto answer = reply(kPatience);
    ASSERT_TRUE(answer) << i;
    EXPECT_EQ(answer->id, i);
    EXPECT_TRUE(answer->ok);
  }
  EXPECT_FALSE(reply(std::chrono::milliseconds(200)));
}

}  // namespace
}  // namespace skerry::testing
