// Who is let in, for how long, and what those are told who are not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <ctime>
#include <set>

#include "core/wire/keys.hpp"
#include "tests/integration/host_processes.hpp"
#include "tests/support/job.hpp"

namespace skerry::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr int kRefused = 77;

class Identity : public HostsTest {
 protected:
  // An edge that does not wait long for a cloud to know it.
  Process start_impatient_edge(const std::string& folder, const std::string& token = "") const {
    std::vector<std::string> arguments{"--state", (scratch / folder).string(), "--give-up-after",
                                       "1"};
    if (!token.empty()) arguments.insert(arguments.end(), {"--join", token});
    return start("skerry-edge", arguments);
  }
  std::vector<Json> audit(const std::string& action) const {
    std::vector<Json> found;
    const Json log = ask({"audit", "ls"}).json();
    for (const Json& entry : log.at("items"))
      if (entry.at("action") == action) found.push_back(entry);
    return found;
  }
  std::string key_of(const std::string& node) const {
    const Json nodes = ask({"get", "nodes"}).json();
    for (const Json& item : nodes.at("items"))
      if (item.at("name") == node) return item.value("key", "");
    return {};
  }
};

TEST_F(Identity, ATokenEndsWithItsTime) {
  Process cloud = start_cloud();
  const auto begin = std::time(nullptr);
  const std::string invitation = ask({"node", "token", "late", "--ttl", "1s"}).json().at("token");
  ASSERT_TRUE(eventually([&] { return std::time(nullptr) >= begin + 2; }));
  Process edge = start_impatient_edge("late", invitation);
  const Output output = finish(edge);
  EXPECT_EQ(output.ending.status, kRefused) << output.all();
  EXPECT_THAT(output.err, HasSubstr("the token of node `late` ended at"));
  EXPECT_THAT(output.err, HasSubstr("skerry node token late"));
  ASSERT_EQ(audit("node.join_refused").size(), 1u);
  EXPECT_EQ(ask({"node", "token", "late", "--ttl", "soon"}).ending.status, 2);
}

TEST_F(Identity, ATokenThatWasReplacedIsToldSo) {
  Process cloud = start_cloud();
  const std::string old = token("edge-1");
  token("edge-1");
  Process edge = start_impatient_edge("edge-1", old);
  const Output output = finish(edge);
  EXPECT_EQ(output.ending.status, kRefused) << output.all();
  EXPECT_THAT(output.err, HasSubstr("does not know this token"));
  EXPECT_THAT(output.err, HasSubstr("skerry node token edge-1"));
}

TEST_F(Identity, ARevokedNodeIsCutOffAndToldSo) {
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  ASSERT_TRUE(ask({"node", "revoke", "edge-1"}).ok());
  const Output live = finish(edge);
  EXPECT_EQ(live.ending.status, kRefused) << live.all();
  EXPECT_THAT(live.err, HasSubstr("was revoked by an operator"));

  Process again = start_impatient_edge("edge-1");
  const Output later = finish(again);
  EXPECT_EQ(later.ending.status, kRefused) << later.all();
  EXPECT_THAT(later.err, HasSubstr("does not know the key of node `edge-1`"));
  EXPECT_THAT(later.err, HasSubstr("revoked"));
  EXPECT_EQ(audit("stranger.refused").size(), 1u);  // however often it tried
}

TEST_F(Identity, ACloudWhoseKeyIsGoneDoesNotStartWithAnother) {
  Process cloud = start_cloud();
  stop(cloud);
  std::filesystem::remove(cloud_state() / "cloud.key");
  Process again =
      start("skerry-cloud", {"--state", cloud_state().string(), "--listen", "tcp://127.0.0.1:*"});
  const Output output = finish(again);
  EXPECT_NE(output.ending.status, 0);
  EXPECT_THAT(output.err, HasSubstr("cloud.key: this key is missing"));
  EXPECT_FALSE(std::filesystem::exists(cloud_state() / "cloud.key"));
}

TEST_F(Identity, ATokenForNoAddressIsRefusedWhereItIsMade) {
  Process cloud = start_cloud();
  for (const char* endpoint : {"foo", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "tcp://:7443"}) {
    const Output output = ask({"node", "token", "edge-1", "--endpoint", endpoint});
    EXPECT_FALSE(output.ok()) << endpoint;
    EXPECT_THAT(output.all(), HasSubstr("it must be tcp://HOST:PORT")) << endpoint;
  }
  stop(cloud);
}

TEST_F(Identity, ASecondTokenEndsTheFirstAndSaysSo) {
  Process cloud = start_cloud();
  const std::string first = token("edge-1");
  const Output second = skerry({"node", "token", "edge-1", "--state", cloud_state().string()});
  EXPECT_THAT(second.err, HasSubstr("The token that \"edge-1\" had before lets nobody in"));
  Process edge = start_impatient_edge("edge-1", first);
  EXPECT_EQ(finish(edge).ending.status, kRefused);
  stop(cloud);
}

TEST_F(Identity, ANodeThatHasNotJoinedHasNoKeyToChange) {
  Process cloud = start_cloud();
  token("edge-1");
  EXPECT_THAT(ask({"node", "rotate", "edge-1"}).all(), HasSubstr("has not joined yet"));
  EXPECT_THAT(ask({"node", "rotate", "edge-2"}).all(), HasSubstr("there is no node `edge-2`"));
  stop(cloud);
}

TEST_F(Identity, AnEdgeOfAnotherCloudIsToldSo) {
  Process cloud = start_cloud();
  const std::string invitation = token("edge-1");
  stop(cloud);
  ASSERT_TRUE(wire::KeyPair::load_or_create(cloud_state() / "other.key"));
  std::filesystem::rename(cloud_state() / "other.key", cloud_state() / "cloud.key");
  Process another = start_cloud();
  Process edge = start_impatient_edge("edge-1", invitation);
  const Output output = finish(edge);
  EXPECT_EQ(output.ending.status, kRefused) << output.all();
  EXPECT_THAT(output.err, HasSubstr("it has another key than the cloud that the token is for"));
  std::set<std::string> subjects;
  for (const Json& entry : audit("stranger.refused")) {
    // Of a connection that is over before the cloud looks at it no address can be told.
    const auto subject = entry.at("subject").get<std::string>();
    EXPECT_THAT(subject, AnyOf("127.0.0.1", "an unknown address"));
    EXPECT_TRUE(subjects.insert(subject).second) << subject << " is told of twice a minute";
    EXPECT_THAT(entry.at("details").at("reason").get<std::string>(),
                HasSubstr("hung up before it said anything"));
  }
  EXPECT_FALSE(subjects.empty());
}

TEST_F(Identity, AnEdgeGoesOnWhenTheCloudKnowsItAgainInTime) {
  Process cloud = start_cloud();
  {
    Process edge = start_joined_edge("edge-1");
    stop(edge);
  }
  const std::string address = audit("host.started").at(0).at("details").at("endpoint");
  stop(cloud);
  std::filesystem::rename(cloud_state() / "cloud.db", scratch / "kept.db");
  Process edge = start_edge("edge-1");
  {
    Process forgetful =
        start("skerry-cloud", {"--state", cloud_state().string(), "--listen", address});
    EXPECT_TRUE(eventually(
        [&] { return edge.err().find("does not know this node's key") != std::string::npos; }));
    stop(forgetful);
  }
  std::filesystem::rename(scratch / "kept.db", cloud_state() / "cloud.db");
  Process again = start_cloud();
  await_state("edge-1", "online");
  stop(edge);
}

TEST_F(Identity, ANodeChangesItsKeyWhenAnOperatorWantsIt) {
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  const std::string before = key_of("edge-1");
  const auto file = scratch / "edge-1" / "edge.key";
  const std::string old_secret = read_text(file);
  ASSERT_TRUE(ask({"node", "rotate", "edge-1"}).ok());
  ASSERT_TRUE(eventually([&] { return !audit("node.key_rotated").empty(); }));
  EXPECT_TRUE(eventually([&] { return key_of("edge-1") != before; }));
  ASSERT_TRUE(eventually([&] { return read_text(file) != old_secret; }));
  EXPECT_FALSE(std::filesystem::exists(file.string() + ".next"));
  await_state("edge-1", "online");

  // It works with the new key, transfers included, and after a restart as well.
  scratch.write("job.yaml", JobText("daily").yaml());
  ASSERT_TRUE(ask({"apply", "-f", (scratch / "job.yaml").string()}).ok());
  EXPECT_TRUE(ask({"watch", "daily"}).ok());
  stop(edge);
  Process again = start_edge("edge-1");
  await_state("edge-1", "online");
  stop(again);

  // The old key is nobody's.
  std::filesystem::permissions(file, std::filesystem::perms(0600));
  scratch.write("edge-1/edge.key", old_secret);
  Process thief = start_impatient_edge("edge-1");
  EXPECT_EQ(finish(thief).ending.status, kRefused);
  EXPECT_TRUE(ask({"audit", "verify"}).ok());
}

TEST_F(Identity, AnEdgeChangesItsKeyAtItsOwnWish) {
  Process cloud = start_cloud();
  {
    Process edge = start_joined_edge("edge-1");
    stop(edge);
  }
  const std::string before = key_of("edge-1");
  Process edge = start("skerry-edge", {"--state", (scratch / "edge-1").string(), "--rotate-key"});
  EXPECT_TRUE(eventually([&] { return key_of("edge-1") != before; }));
  await_state("edge-1", "online");
  stop(edge);
}

// Whatever dies in between: the new key stands beside the old one, the cloud knows the old one, or
// both, or only the new one.
TEST_F(Identity, AKeyThatIsBeingChangedSurvivesKillsOfBothSides) {
  Process cloud = start_cloud();
  {
    Process edge = start_joined_edge("edge-1");
    stop(edge);
  }
  std::string key = key_of("edge-1");
  for (int round = 0; round < 6; ++round) {
    const std::size_t announced = audit("node.key_announced").size();
    Process edge = start("skerry-edge", {"--state", (scratch / "edge-1").string(), "--rotate-key"});
    if (round % 2 == 0) {
      EXPECT_TRUE(eventually([&] { return audit("node.key_announced").size() > announced; }));
    } else {
      EXPECT_TRUE(eventually([&] { return key_of("edge-1") != key; }));
    }
    edge.send(SIGKILL);
    static_cast<void>(edge.wait());
    if (round == 3) {
      cloud.send(SIGKILL);
      static_cast<void>(cloud.wait());
      static_cast<void>(cloud);
      Process again = start_cloud();
      Process back = start_edge("edge-1");
      await_state("edge-1", "online");
      stop(back);
      stop(again);
      return;
    }
    Process back = start_edge("edge-1");
    await_state("edge-1", "online");
    EXPECT_TRUE(eventually([&] { return key_of("edge-1") != key; }));
    key = key_of("edge-1");
    stop(back);
  }
}

}  // namespace
}  // namespace skerry::testing
