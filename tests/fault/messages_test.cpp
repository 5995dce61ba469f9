// Messages that come twice, too early, too late, or from another time, by real sockets.
#include "tests/fault/host_faults.hpp"
#include "tests/fault/support/raw_node.hpp"
#include "tests/fault/support/state_copy.hpp"

namespace skerry::fault {
namespace {

using ::testing::HasSubstr;
using testing::Process;

class Messages : public HostFaults {
 protected:
  // A job whose one node each time is `buoy`, which the test plays.
  void begin(const std::string& deadline) const {
    testing::JobText text("job");
    text.set("rounds", "1").set("deadline", deadline).set("attempts", "3");
    const auto output = ask({"apply", "-f", scratch.write("job.yaml", text.yaml()).string()});
    ASSERT_TRUE(output.ok()) << output.all();
  }
  static wire::TaskFailed failure(const wire::StartTask& task) {
    return {task.key, "failed", "", "on purpose"};
  }
  // Once the cloud has stopped: what the job was told of the task.
  std::int64_t events(const wire::StartTask& task) const {
    StateCopy cloud(cloud_state(), "cloud");
    auto count = cloud.sql("SELECT count(*) FROM event WHERE json_extract(body, '$.task') = ?");
    count.bind(1, task.key.task);
    expect(count.step());
    return count.column_int(0);
  }
};

TEST_F(Messages, ADuplicateMessageCountsOnce) {
  Process cloud = start_cloud();
  RawNode buoy(token("buoy"));
  buoy.greet();
  begin("10m");
  const auto first = buoy.await<wire::StartTask>();
  buoy.say(failure(first), 1);
  buoy.say(failure(first), 1);
  EXPECT_EQ(buoy.acknowledged(), 1u);
  const auto second = buoy.await<wire::StartTask>();  // the cloud goes on
  EXPECT_NE(second.key.task, first.key.task);
  stop(cloud);
  EXPECT_EQ(events(first), 1);
  EXPECT_EQ(events(second), 0);
}

TEST_F(Messages, AReorderedMessageWaitsForThoseBeforeIt) {
  Process cloud = start_cloud();
  RawNode buoy(token("buoy"));
  buoy.greet();
  begin("10m");
  const auto task = buoy.await<wire::StartTask>();
  buoy.say(failure(task), 2);
  EXPECT_EQ(buoy.acknowledged(), 0u);
  buoy.say(wire::TaskFailed{{task.key.job, "no-such-task"}, "failed", "", ""}, 1);
  EXPECT_EQ(buoy.acknowledged(), 1u);
  buoy.say(failure(task), 2);
  EXPECT_EQ(buoy.acknowledged(), 2u);
  stop(cloud);
  EXPECT_EQ(events(task), 1);
}

// Whoever has copied frames of a session, even the node itself, gets nowhere with them later.
TEST_F(Messages, AReplayedMessageOfAnEarlierSessionChangesNothing) {
  Process cloud = start_cloud();
  RawNode buoy(token("buoy"));
  buoy.greet();
  begin("10m");
  const auto task = buoy.await<wire::StartTask>();
  const std::string frame = buoy.say(failure(task), 1);
  EXPECT_EQ(buoy.acknowledged(), 1u);
  buoy.connect();
  buoy.send(frame);
  EXPECT_EQ(buoy.await<wire::Refused>().code, "no_session");
  buoy.greet();
  buoy.send(frame);
  EXPECT_EQ(buoy.await<wire::Refused>().code, "no_session");
  stop(cloud);
  EXPECT_EQ(events(task), 1);
}

TEST_F(Messages, ALateUpdateIsToldToBeStaleAndCountsNowhere) {
  Process cloud = start_cloud();
  RawNode buoy(token("buoy"));
  buoy.greet();
  begin("1s");
  const auto first = buoy.await<wire::StartTask>();
  buoy.await<wire::StopTask>();  // the round has closed
  wire::TaskFinished late;
  late.key = first.key;
  late.result = R"({"samples":10})";
  buoy.say(late, 1);
  const auto told = buoy.await<wire::TaskRefused>();
  EXPECT_EQ(told.key, first.key);
  EXPECT_EQ(told.code, "stale");
  stop(cloud);
  StateCopy copy(cloud_state(), "cloud");
  auto results = copy.sql(
      "SELECT count(*) FROM event WHERE json_extract(body, '$.type') = 'TaskFinished' AND "
      "json_extract(body, '$.node') = 'buoy'");
  expect(results.step());
  EXPECT_EQ(results.column_int(0), 0);
}

TEST_F(Messages, AVersionMismatchIsToldTheNodeWithWhatTheCloudSpeaks) {
  Process cloud = start_cloud();
  RawNode buoy(token("buoy"));
  buoy.connect();
  auto hello = buoy.hello();
  hello.protocol = 99;
  buoy.send(wire::frame(0, 0, 0, hello));
  const auto refused = buoy.await<wire::Refused>();
  EXPECT_FALSE(refused.retry);
  EXPECT_THAT(refused.message, HasSubstr("99"));
  buoy.greet();  // in its own version
  stop(cloud);
}

}  // namespace
}  // namespace skerry::fault
