// A node with a valid key that does what no honest one would: it hurts nobody but itself.
#include <gmock/gmock.h>

#include <limits>

#include "tests/unit/engine/cloud_bench.hpp"

namespace skerry::engine::cloud {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class HostileNode : public CloudBench {
 protected:
  void SetUp() override {
    CloudBench::SetUp();
    add_node("harbour");
    add_job();
  }
  std::int64_t waiting_for(const std::string& node) {
    auto count = unit_.sql("SELECT count(*) FROM downlink WHERE node = ?");
    count.bind(1, node);
    must(count.step());
    return count.column_int(0);
  }
  void remove_node(const std::string& node) {
    const Unit::Scope scope(unit_);
    must(engine_->nodes().revoke(node));
    engine_->peers().drop(node, "revoked", "it was revoked");
  }
};

TEST_F(HostileNode, WithNumbersAtTheirLimitIsRefusedAndTheCloudLivesOn) {
  wire::Hello hello;
  hello.cloud_epoch = "epoch";
  for (const auto number : {std::numeric_limits<std::uint64_t>::max(), std::uint64_t{1} << 63,
                            (std::uint64_t{1} << 61) + 1}) {
    hello.inbox_seq = number;
    greet("harbour", hello);
    ASSERT_FALSE(refusals_.empty());
    EXPECT_EQ(refusals_.back().code, "invalid_argument");
    EXPECT_THAT(refusals_.back().message, HasSubstr("inbox_seq"));
  }
  hello.inbox_seq = std::uint64_t{1} << 61;  // allowed, and its own loss
  greet("harbour", hello);
  workflow_says({train("t", "harbour"), train("u", "harbour")});
  EXPECT_EQ(waiting_for("harbour"), 2);
  greet("harbour", hello);
  EXPECT_EQ(waiting_for("harbour"), 2);
}

TEST_F(HostileNode, ThatInventsTasksMakesTheCloudStoreNothing) {
  wire::Hello hello;
  for (int i = 0; i < 500; ++i) hello.tasks.push_back({"job", std::to_string(i)});
  for (int i = 0; i < 3; ++i) greet("harbour", hello);
  EXPECT_EQ(waiting_for("harbour"), 0);
}

TEST_F(HostileNode, WhoseResultsAreRefusedAndWhoReadsNoAnswerFillsNoDisk) {
  for (int i = 0; i < 3000; ++i) finish("harbour", "no such task", "bytes");
  EXPECT_LE(waiting_for("harbour"), 1024);
  EXPECT_GE(engine_->peers().counters().untold, 3000u - 1024u);
}

TEST_F(HostileNode, ThatWasRevokedHasNothingStoredForIt) {
  workflow_says({train("t", "harbour")});
  remove_node("harbour");
  workflow_says({stop("t")});
  {
    const Unit::Scope scope(unit_);
    engine_->peers().send("harbour", wire::ForgetJob{"job"});
  }
  EXPECT_EQ(waiting_for("harbour"), 0);
}

TEST_F(HostileNode, ThatIsRevokedWhileItIsAwayIsLostToItsJobs) {
  workflow_says({});
  remove_node("harbour");
  loop_->run();
  ASSERT_TRUE(question_);
  EXPECT_THAT(question_->events, testing::Contains(HasSubstr("NodeLost")));
}

TEST_F(HostileNode, HasOnlySoManyTasksOpenAtATime) {
  std::vector<Json> commands;
  const std::string name(180, 'x');
  for (int i = 0; i < 400; ++i) commands.push_back(train(name + std::to_string(i), "harbour"));
  workflow_says(commands);
  EXPECT_LT(waiting_for("harbour"), 200);
  EXPECT_THAT(state_of(name + "0"), StartsWith("open"));
  EXPECT_THAT(state_of(name + "399"), HasSubstr("open tasks, and takes no more"));
  greet("harbour");  // its WELCOME names them all
  EXPECT_TRUE(engine_->peers().online("harbour"));
}

TEST_F(HostileNode, OfAnotherProtocolIsToldWhichOnesThereAre) {
  wire::Hello hello;
  hello.protocol = wire::kProtocol + 1;
  hello.version = "9.9.9";
  greet("harbour", hello);
  ASSERT_EQ(refusals_.size(), 1u);
  EXPECT_EQ(refusals_[0].code, "version");
  EXPECT_FALSE(refusals_[0].retry);
  EXPECT_THAT(refusals_[0].message, HasSubstr("Skerry 9.9.9 speaks protocol 2"));
  EXPECT_FALSE(engine_->peers().online("harbour"));
}

TEST_F(HostileNode, OfAnotherFrameFormatIsToldSo) {
  std::string frame = wire::frame(0, 0, 0, wire::Hello{});
  frame[4] = 2;
  {
    const Unit::Scope scope(unit_);
    engine_->handle({1, "harbour", user("harbour"), frame});
  }
  ASSERT_EQ(refusals_.size(), 1u);
  EXPECT_EQ(refusals_[0].code, "version");
  EXPECT_THAT(refusals_[0].message, HasSubstr("format version 2"));
}

TEST_F(HostileNode, EndsNoTaskOfAnother) {
  add_node("mallory");
  workflow_says({train("t", "harbour")});
  say("mallory", wire::TaskFailed{{job().key, "t"}, "crashed", "", "on purpose"});
  loop_->run();
  EXPECT_THAT(state_of("t"), StartsWith("open"));
  finish("mallory", "t", "not what harbour made");
  EXPECT_THAT(state_of("t"), StartsWith("open"));
  say("mallory", wire::TaskFailed{{"harvest.9", "t"}, "data_loss", "", "on purpose"});
  loop_->run();
  EXPECT_THAT(state_of("t"), StartsWith("open"));
}

}  // namespace
}  // namespace skerry::engine::cloud
