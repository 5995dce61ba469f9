#include "core/runtime/task_runner.hpp"

#include <gtest/gtest.h>

#include "core/runtime/decider.hpp"
#include "core/wire/envelope.hpp"
#include "tests/unit/runtime/plans.hpp"

namespace skerry::runtime {
namespace {

class Runner : public testing::Test {
 protected:
  wire::RunTask task(const std::string& kind, const std::string& params = "{}") {
    return {.key = {"job", "1"},
            .node = "edge-1",
            .kind = kind,
            .params = params,
            .plan = dump_json(fixture_plan()),
            .output_dir = dir_.path().string()};
  }
  wire::TaskDone run(const wire::RunTask& task) { return runner_.run(task, calls_.begin()); }

  TempDir dir_ = TempDir::create().value();
  Calls calls_;
  std::vector<wire::TaskProgress> progress_;
  TaskRunner runner_{1, calls_, [this](const auto& progress) { progress_.push_back(progress); }};
};

TEST_F(Runner, RunsATaskAndKeepsItsInstance) {
  const auto first = run(task("fixture-noop"));
  ASSERT_TRUE(first.ok) << first.message;
  EXPECT_EQ(first.result, "{\"done\":true}");
  EXPECT_EQ(first.metrics.at("runs"), 1);
  ASSERT_EQ(first.plugins.size(), 1u);
  EXPECT_TRUE(first.plugins[0].starts_with("fixture-noop 1.0.0 ")) << first.plugins[0];
  EXPECT_EQ(run(task("fixture-noop")).metrics.at("runs"), 2);
}

TEST_F(Runner, TellsOfAStatusThatDoesNotExist) {
  const auto done = run(task("fixture-noop", R"({"do":"weird"})"));
  EXPECT_FALSE(done.ok);
  EXPECT_EQ(done.code, "internal");
  EXPECT_NE(done.message.find("77"), std::string::npos) << done.message;
}

TEST_F(Runner, TellsOfAnInterfaceThatIsMissing) {
  const auto done = run(task("fixture-hollow"));
  EXPECT_EQ(done.code, "internal");
  EXPECT_NE(done.message.find("task/1"), std::string::npos) << done.message;
}

TEST_F(Runner, TellsOfAFunctionThatEveryTaskHas) {
  const auto done = run(task("fixture-idle"));
  EXPECT_NE(done.message.find("its table of task/1 lacks a function"), std::string::npos)
      << done.message;
}

TEST_F(Runner, TellsOfATaskThatNobodyProvides) {
  const auto done = run(task("fixture-nop"));
  EXPECT_EQ(done.code, "invalid_argument");
  EXPECT_NE(done.message.find("fixture-noop"), std::string::npos) << done.message;
}

TEST_F(Runner, PassesCancellationOn) {
  calls_.begin();
  const auto id = calls_.begin();
  calls_.cancel_current();
  const auto done = runner_.run(task("fixture-noop", R"({"do":"wait"})"), id);
  EXPECT_EQ(done.code, "cancelled");
  ASSERT_EQ(progress_.size(), 1u);
  EXPECT_EQ(progress_[0].progress, 0.5);
}

TEST_F(Runner, RefusesAPlanThatIsNoPlan) {
  auto broken = task("fixture-noop");
  broken.plan = "{}";
  EXPECT_EQ(run(broken).code, "invalid_argument");
}

class Loading : public testing::Test {
 protected:
  Result<const skerry_data*> load(const Json& config, const LoadRequest& request) {
    calls_ = std::make_unique<Calls>();
    job_ =
        std::make_unique<Job>(Plan::from_json(fixture_plan(config)).value(), "edge-1", 1, *calls_);
    return job_->data().load(request);
  }
  std::unique_ptr<Calls> calls_;
  std::unique_ptr<Job> job_;
};

TEST_F(Loading, GivesTheRowsOfAShareWithTheirLabels) {
  const auto data = load({{"rows", 100}, {"holdout", 0.2}}, {"dataset", "train", 1, 4});
  ASSERT_TRUE(data) << data.error().text();
  EXPECT_EQ((*data)->features.shape[0], 20);
  EXPECT_EQ((*data)->features.shape[1], 1);
  EXPECT_EQ((*data)->info->rows, 100u);
  const auto* features = static_cast<const float*>((*data)->features.data);
  const auto* labels = static_cast<const std::int64_t*>((*data)->labels.data);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(labels[i], static_cast<std::int64_t>(features[i]) % 10);
  EXPECT_EQ(job_->data().load({"dataset", "train", 1, 4}).value(), *data);  // kept
}

TEST_F(Loading, GivesTheHeldOutRowsAndTheDescriptionAlone) {
  EXPECT_EQ((*load({{"rows", 100}}, {"dataset", "holdout", 0, 1}))->features.shape[0], 20);
  EXPECT_EQ((*load({{"rows", 100}}, {"dataset", "info", 0, 1}))->features.shape[0], 0);
}

TEST_F(Loading, FollowsTheJobsOwnPartition) {
  const Json config = {{"rows", 100}, {"holdout", 0}, {"partition", {{"parts", 10}, {"index", 3}}}};
  EXPECT_EQ((*load(config, {"dataset", "train", 0, 1}))->features.shape[0], 10);
}

TEST_F(Loading, RefusesAnEmptyShareWithNumbers) {
  const auto data = load({{"rows", 5}, {"holdout", 0}}, {"dataset", "train", 7, 8});
  const auto other = load({{"rows", 5}, {"holdout", 0}}, {"dataset", "train", 0, 8});
  const auto& problem = data ? other.error() : data.error();
  EXPECT_EQ(problem.code, Code::invalid_argument);
  EXPECT_EQ(problem.field, "partition");
  EXPECT_NE(problem.message.find("of 8"), std::string::npos) << problem.message;
  EXPECT_NE(problem.message.find("5 rows"), std::string::npos) << problem.message;
}

TEST_F(Loading, RefusesAShareThatDoesNotExistAndUnknownSplits) {
  EXPECT_FALSE(load({{"rows", 5}}, {"dataset", "train", 2, 2}));
  EXPECT_FALSE(load({{"rows", 5}}, {"dataset", "test", 0, 1}));
  EXPECT_FALSE(load({{"rows", 5}}, {"data", "train", 0, 1}));
  EXPECT_FALSE(load({{"rows", 5}}, {"estimator", "train", 0, 1}));
  EXPECT_FALSE(load({{"rows", 5}, {"holdout", 0}}, {"dataset", "holdout", 0, 1}));
}

TEST(Decide, ThreadsTheStateThroughAllEvents) {
  Calls calls;
  Decider decider(1, calls);
  const auto reply = decider.decide(
      {.job = "job", .plan = dump_json(fixture_plan()), .state = "s", .events = {"1", "2"}});
  ASSERT_TRUE(reply.ok) << reply.message;
  EXPECT_EQ(reply.state, "s12");
  EXPECT_EQ(parse_json(reply.commands)->size(), 2u);
}

// The host would not take its frame, and wait for ever.
TEST(Decide, RefusesAnAnswerThatNoMessageHolds) {
  Calls calls;
  Decider decider(1, calls);
  const auto reply = decider.decide({.job = "job",
                                     .plan = dump_json(fixture_plan()),
                                     .state = std::string(wire::kLocalLimit, ' '),
                                     .events = {"1"}});
  EXPECT_FALSE(reply.ok);
  EXPECT_EQ(reply.state, "");
  EXPECT_NE(reply.message.find("What is large belongs into artifacts"), std::string::npos)
      << reply.message;
}

}  // namespace
}  // namespace skerry::runtime
