// How a cloud and its edges find and lose each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/integration/host_processes.hpp"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

using Hosts = HostsTest;

TEST_F(Hosts, AnEdgeJoinsWithATokenAndEndsOrderly) {
  Process cloud = start_cloud();
  const std::string invitation = token("edge-1");
  EXPECT_EQ(state_of("edge-1"), "invited");
  Process edge = start_edge("edge-1", invitation);
  await_state("edge-1", "online");
  stop(edge);
  stop(cloud);
}

TEST_F(Hosts, AnEdgeNeedsItsTokenOnlyOnce) {
  Process cloud = start_cloud();
  {
    Process edge = start_joined_edge("edge-1");
    stop(edge);
  }
  Process again = start_edge("edge-1");
  EXPECT_TRUE(eventually([&] { return again.err().find("as node edge-1") != std::string::npos; }))
      << again.err();
  EXPECT_EQ(state_of("edge-1"), "online");
}

TEST_F(Hosts, AnEdgeThatIsSilentIsOfflineAfterAWhile) {
  Process cloud = start_cloud();
  { Process edge = start_joined_edge("edge-1"); }  // killed: no goodbye
  await_state("edge-1", "offline");
}

TEST_F(Hosts, AnEdgeThatNeverJoinedAsksForAToken) {
  Process edge = start_edge("edge-1");
  const Output output = finish(edge);
  EXPECT_EQ(output.ending.status, 1) << output.all();
  EXPECT_THAT(output.err, HasSubstr("has not joined a cloud yet; start once with --join TOKEN"));
}

TEST_F(Hosts, ATextThatIsNoTokenIsRefused) {
  Process edge = start_edge("edge-1", "skerry-nonsense");
  const Output output = finish(edge);
  EXPECT_EQ(output.ending.status, 2) << output.all();
  EXPECT_THAT(output.err, HasSubstr("token"));
}

TEST_F(Hosts, ATokenServesOneMachineOnly) {
  Process cloud = start_cloud();
  const std::string invitation = token("edge-1");
  Process edge = start_edge("edge-1", invitation);
  await_state("edge-1", "online");
  Process thief = start_edge("elsewhere", invitation);
  const Output output = finish(thief);
  EXPECT_EQ(output.ending.status, 77) << output.all();
  EXPECT_THAT(output.err, HasSubstr("refuses this node"));
  EXPECT_THAT(output.err, HasSubstr("used"));
  EXPECT_EQ(state_of("edge-1"), "online");
}

TEST_F(Hosts, AStateDirectoryStaysWithItsNode) {
  Process cloud = start_cloud();
  {
    Process edge = start_joined_edge("edge-1");
    stop(edge);
  }
  Process other = start_edge("edge-1", token("edge-2"));
  const Output output = finish(other);
  EXPECT_EQ(output.ending.status, 1) << output.all();
  EXPECT_THAT(output.err, HasSubstr("belongs to node `edge-1`"));
  EXPECT_THAT(output.err, HasSubstr("the token is for node `edge-2`"));
}

TEST_F(Hosts, TwoCloudsCannotShareAStateDirectory) {
  Process cloud = start_cloud();
  Process second =
      start("skerry-cloud", {"--state", cloud_state().string(), "--listen", "tcp://127.0.0.1:*"});
  const Output output = finish(second);
  EXPECT_EQ(output.ending.status, 1) << output.all();
  EXPECT_THAT(output.err, HasSubstr("in use by process " + std::to_string(cloud.pid())));
}

TEST_F(Hosts, TwoEdgesCannotShareAStateDirectory) {
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  Process second = start_edge("edge-1");
  const Output output = finish(second);
  EXPECT_EQ(output.ending.status, 1) << output.all();
  EXPECT_THAT(output.err, HasSubstr("in use by process " + std::to_string(edge.pid())));
}

// Edges know one address for life: a cloud that was given "any port" must take the same one again.
TEST_F(Hosts, ACloudThatIsKilledComesBackAtItsAddressAndItsEdgeReturns) {
  Process first = start_cloud();
  Process edge = start_joined_edge("edge-1");
  first.send(SIGKILL);
  EXPECT_EQ(first.wait().signal, SIGKILL);
  Process second = start_cloud();
  await_state("edge-1", "online");
  EXPECT_FALSE(edge.ended());
  stop(edge);
  stop(second);
}

TEST_F(Hosts, ARevokedEdgeIsCutOffAtOnceAndSaysWhy) {
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  const Output revoked = ask({"node", "revoke", "edge-1"});
  EXPECT_TRUE(revoked.ok()) << revoked.all();
  const Output output = finish(edge);
  EXPECT_EQ(output.ending.status, 77) << output.all();
  EXPECT_THAT(output.err, HasSubstr("refuses this node"));
  EXPECT_THAT(output.err, HasSubstr("was revoked by an operator"));
  EXPECT_EQ(state_of("edge-1"), "revoked");
}

TEST_F(Hosts, ARevokedEdgeDoesNotComeBack) {
  Process cloud = start_cloud();
  {
    Process edge = start_joined_edge("edge-1");
    stop(edge);
  }
  ASSERT_TRUE(ask({"node", "revoke", "edge-1"}).ok());
  Process edge = start_edge("edge-1");
  EXPECT_TRUE(eventually([&] {
    return edge.err().find("was this node revoked?") != std::string::npos;
  })) << edge.err();
  EXPECT_EQ(state_of("edge-1"), "revoked");
}

TEST_F(Hosts, ACommandWithoutACloudSaysHowToStartOne) {
  const Output output = ask({"get", "jobs"});
  EXPECT_EQ(output.ending.status, 1) << output.all();
  EXPECT_THAT(output.err, HasSubstr("start one with `skerry-cloud"));
}

}  // namespace
}  // namespace skerry::testing
