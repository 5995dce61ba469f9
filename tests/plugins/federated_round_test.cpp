// Rounds: quorum, deadline, stragglers, failures, what is recorded, and the end.
#include "federated_support.hpp"

using federated_test::Job;
using federated_test::Json;

namespace {

Json answers(const Json& refusals) {
  Json list = Json::array();
  for (const Json& each : refusals)
    list.push_back(each["node"].get<std::string>() + ": " + each["code"].get<std::string>());
  return list;
}

// A round in which all answer.
void whole_round(Job& job, int number, const std::vector<std::string>& nodes, double accuracy) {
  const std::string prefix = std::to_string(number);
  for (const std::string& node : nodes) job.train(prefix + "/train/" + node);
  job.aggregate(prefix + "/aggregate", "m" + prefix);
  job.evaluate(prefix + "/evaluate", accuracy);
}

}  // namespace

TEST(FederatedRound, RunsAllRoundsAndPublishesEach) {
  Job job;
  job.begin({"a", "b"});
  whole_round(job, 1, {"a", "b"}, 0.5);
  EXPECT_EQ(job.status, "Running: round 2 of 2");
  EXPECT_EQ(job.tasks.at("2/train/a")["inputs"]["model"], "m1");
  whole_round(job, 2, {"b", "a"}, 0.75);
  ASSERT_EQ(job.published.size(), 2U);
  EXPECT_EQ(job.published[1]["digest"], "m2");
  EXPECT_EQ(job.published[1]["metrics"],
            Json({{"accuracy", 0.75}, {"loss", 0.25}, {"trainLoss", 0.5}}));
  EXPECT_EQ(job.phase(), "Succeeded");
  EXPECT_EQ(job.message(), "2 rounds: accuracy 0.75, loss 0.25, trainLoss 0.5");
  EXPECT_TRUE(job.timers.empty());
}

TEST(FederatedRound, AggregatesTheUpdatesInMemberOrderWhateverTheOrderOfAnswers) {
  Job job;
  job.begin({"a", "b", "c"});
  job.train("1/train/c", 30, 0.3);
  job.train("1/train/a", 10, 0.1);
  job.train("1/train/b", 20, 0.2);
  const Json task = job.tasks.at("1/aggregate");
  EXPECT_EQ(task["node"], "cloud");
  EXPECT_EQ(
      task["inputs"],
      Json({{"u0", "u:1/train/a"}, {"u1", "u:1/train/b"}, {"u2", "u:1/train/c"}, {"base", "m0"}}));
  EXPECT_EQ(task["expects"], Json({{"model", "m0"}}));
  EXPECT_EQ(task["params"]["updates"][2], Json({{"node", "c"}, {"samples", 30}, {"loss", 0.3}}));
}

TEST(FederatedRound, ClosesAtTheDeadlineWithAQuorumAndLeavesStragglersOut) {
  Job job;
  job.begin({"a", "b", "c"}, {{"quorum", 2}, {"deadline", "1.5s"}});
  job.train("1/train/a");
  job.train("1/train/b");
  EXPECT_FALSE(job.started("1/aggregate")) << "the third still has time";
  job.fire("1/deadline");
  EXPECT_EQ(job.now_ms, 1500);
  EXPECT_EQ(job.stopped, std::set<std::string>{"1/train/c"});
  EXPECT_EQ(job.tasks.at("1/aggregate")["inputs"].size(), 3U);
  const std::string frozen = job.state();
  EXPECT_EQ(job.train("1/train/c"), Json::array()) << "too late";
  EXPECT_EQ(job.state(), frozen);
  job.aggregate("1/aggregate", "m1");
  job.evaluate("1/evaluate", 0.5);
  EXPECT_EQ(job.reports[0]["late"], Json({"c"}));
  EXPECT_EQ(job.reports[0]["participants"], Json({"a", "b"}));
  EXPECT_EQ(job.reports[0]["selected"], 3);
  EXPECT_TRUE(job.started("2/train/c")) << "a straggler has a place in the next round";
}

TEST(FederatedRound, TriesARoundAgainThatMissesItsQuorum) {
  Job job;
  job.begin({"a", "b"}, {{"quorum", 2}});
  job.train("1/train/a");
  job.fire("1/deadline");
  EXPECT_EQ(job.stopped, std::set<std::string>{"1/train/b"});
  ASSERT_TRUE(job.started("1.2/train/a"));
  EXPECT_EQ(job.train("1/train/b"), Json::array()) << "an answer to the first attempt";
  job.train("1.2/train/a");
  job.train("1.2/train/b");
  job.aggregate("1.2/aggregate", "m1");
  job.evaluate("1.2/evaluate", 0.5);
  EXPECT_EQ(job.reports[0]["round"], 1);
  EXPECT_EQ(job.reports[0]["attempts"], 2);
  EXPECT_EQ(answers(job.reports[0]["failed"]), Json({"b: late"}));
  EXPECT_DOUBLE_EQ(job.reports[0]["seconds"]["total"], 60.0);
  EXPECT_TRUE(job.started("2/train/a"));
}

TEST(FederatedRound, FailsAfterTheLastAttemptAndSaysWhoWasMissing) {
  Job job;
  job.begin({"a", "b", "c"}, {{"quorum", 3}, {"attempts", 2}});
  job.lose("c");
  job.train("1/train/a");
  job.fire("1/deadline");
  EXPECT_EQ(job.status, "Waiting: round 1 needs 3 nodes, 2 of 3 are online");
  job.join("c");
  job.lose("c");
  job.train("1.2/train/a");
  job.fire("1.2/deadline");
  EXPECT_EQ(job.phase(), "Failed");
  EXPECT_EQ(job.message(),
            "round 1 missed its quorum of 3 in 2 attempts. In the last, 1 of 3 nodes answered, and "
            "the quorum is 3: "
            "b: late: no answer within 60s; c: lost: no answer within 60s. Not online: c");
}

TEST(FederatedRound, FailsWhenTooFewNodesComeBack) {
  Job job;
  job.begin({"a", "b"}, {{"quorum", 2}, {"attempts", 1}, {"rounds", 2}});
  job.train("1/train/a");
  job.train("1/train/b");
  job.lose("a");
  job.aggregate("1/aggregate", "m1");
  job.evaluate("1/evaluate", 0.5);
  job.fire("2/nodes");
  EXPECT_EQ(job.phase(), "Failed");
  EXPECT_EQ(
      job.message(),
      "round 2 missed its quorum of 2 in 1 attempts. Too few nodes are online. Not online: a");
}

TEST(FederatedRound, ANodeThatIsLostAndComesBackStillCounts) {
  Job job;
  job.begin({"a", "b"}, {{"quorum", 2}});
  job.train("1/train/a");
  EXPECT_EQ(job.lose("b"), Json::array());
  EXPECT_EQ(job.join("b"), Json::array());
  job.train("1/train/b");
  EXPECT_TRUE(job.started("1/aggregate"));
}

TEST(FederatedRound, ACrashedTaskIsTriedAgainOnItsNode) {
  Job job;
  job.begin({"a", "b"}, {{"quorum", 2}, {"retries", 2}});
  job.fail_task("1/train/b", "crashed");
  EXPECT_EQ(job.tasks.at("1/train/b/2")["node"], "b");
  EXPECT_EQ(job.tasks.at("1/train/b/2")["params"], job.tasks.at("1/train/b")["params"]);
  job.fail_task("1/train/b/2", "lost");
  ASSERT_TRUE(job.started("1/train/b/3"));
  EXPECT_EQ(job.train("1/train/b"), Json::array()) << "an answer to the first try";
  job.train("1/train/b/3");
  job.train("1/train/a");
  EXPECT_TRUE(job.started("1/aggregate"));
}

TEST(FederatedRound, TriesTheRoundAgainAtOnceWhenTheQuorumIsOutOfReach) {
  Job job;
  job.begin({"a", "b", "c"}, {{"quorum", 3}, {"retries", 0}});
  job.train("1/train/a");
  job.fail_task("1/train/b", "crashed", "killed by signal 9");
  EXPECT_EQ(job.stopped, std::set<std::string>{"1/train/c"});
  EXPECT_TRUE(job.started("1.2/train/c"));
  EXPECT_EQ(job.now_ms, 0);
}

TEST(FederatedRound, ARefusedUpdateIsNotTriedAgainAndTheRoundGoesOn) {
  Job job;
  job.begin({"a", "b", "c"}, {{"quorum", 2}});
  job.fail_task("1/train/b", "rejected.nan", "tensor w, element 3 is NaN");
  EXPECT_FALSE(job.started("1/train/b/2"));
  job.train("1/train/a");
  job.train("1/train/c");
  job.aggregate("1/aggregate", "m1");
  job.evaluate("1/evaluate", 0.5);
  EXPECT_EQ(
      job.reports[0]["rejected"],
      Json::array(
          {{{"node", "b"}, {"code", "rejected.nan"}, {"message", "tensor w, element 3 is NaN"}}}));
  EXPECT_EQ(job.reports[0]["participants"], Json({"a", "c"}));
}

TEST(FederatedRound, RefusesAnAnswerWithoutAnUpdate) {
  Job job;
  job.begin({"a", "b"});
  job.finish_task("1/train/b", {{"result", {{"samples", 5}}}});
  job.train("1/train/a");
  job.aggregate("1/aggregate", "m1");
  job.evaluate("1/evaluate", 0.5);
  EXPECT_EQ(answers(job.reports[0]["rejected"]), Json({"b: rejected.missing"}));
}

TEST(FederatedRound, FailsAtOnceWhenEveryNodeNeedsAPerson) {
  Job job;
  job.begin({"a", "b"});
  job.fail_task("1/train/a", "invalid_argument", "dataset: share 1 of 2 is empty");
  job.fail_task("1/train/b", "invalid_argument", "dataset: share 2 of 2 is empty");
  EXPECT_EQ(job.phase(), "Failed");
  EXPECT_EQ(job.message(),
            "round 1: 0 of 2 nodes answered, and the quorum is 1: a: invalid_argument: dataset: "
            "share 1 of 2 is "
            "empty; b: invalid_argument: dataset: share 2 of 2 is empty");
}

TEST(FederatedRound, FailsAtOnceWhenTooFewNodesAreLeftThatCouldAnswer) {
  Job job;
  job.begin({"a", "b", "c"}, {{"quorum", 3}});
  job.fail_task("1/train/b", "invalid_argument", "no file digits.png");
  EXPECT_EQ(job.phase(), "Failed");
  EXPECT_THAT(job.message(), testing::HasSubstr("b: invalid_argument: no file digits.png"));
  EXPECT_EQ(job.stopped, (std::set<std::string>{"1/train/a", "1/train/c"}));
}

TEST(FederatedRound, AnAnswerThatComesTwiceCountsOnce) {
  Job job;
  job.begin({"a", "b"});
  job.train("1/train/a", 10);
  const std::string before = job.state();
  EXPECT_EQ(job.train("1/train/a", 1000), Json::array());
  EXPECT_EQ(job.state(), before);
  job.train("1/train/b");
  job.aggregate("1/aggregate", "m1");
  EXPECT_EQ(job.aggregate("1/aggregate", "other"), Json::array());
  job.evaluate("1/evaluate", 0.5);
  EXPECT_EQ(job.evaluate("1/evaluate", 0.9), Json::array());
  EXPECT_EQ(job.published[0]["digest"], "m1");
  EXPECT_EQ(job.reports[0]["samples"], 20);
}

// Of a job's round and a node there is one update at most: the engine knows no rounds, so this is
// the workflow's to keep.
TEST(FederatedRound, CountsANodeOnceHoweverOftenItIsAskedAndAnswers) {
  Job job;
  job.begin({"a", "b"}, {{"quorum", 2}, {"retries", 1}});
  job.fail_task("1/train/a", "crashed");
  job.train("1/train/a/2");
  job.train("1/train/a");    // the first try's answer all the same
  job.train("1/train/a/2");  // and the second's again
  job.join("a");             // it came back, though nobody saw it go
  job.fire("1/deadline");    // "b" is late: the round is tried again
  job.train("1/train/a/2");
  job.train("1/train/b");
  job.train("1.2/train/a");
  EXPECT_FALSE(job.started("1.2/aggregate"));
  job.train("1.2/train/b");
  job.train("1.2/train/a");
  const Json& aggregation = job.tasks.at("1.2/aggregate");
  EXPECT_EQ(aggregation["inputs"],
            Json({{"u0", "u:1.2/train/a"}, {"u1", "u:1.2/train/b"}, {"base", "m0"}}));
  ASSERT_EQ(aggregation["params"]["updates"].size(), 2U);
  EXPECT_EQ(aggregation["params"]["updates"][0]["node"], "a");
  EXPECT_EQ(aggregation["params"]["updates"][1]["node"], "b");
}

TEST(FederatedRound, FailsWhenTheSelectionChoosesANodeTwice) {
  Job job;
  job.selection.repeats = true;
  job.begin({"a", "b"});
  EXPECT_EQ(job.phase(), "Failed");
  EXPECT_THAT(job.message(), testing::HasSubstr("the selection chose a node twice"));
  EXPECT_FALSE(job.started("1/train/a"));
}

TEST(FederatedRound, StopsAsSoonAsTheMetricIsReached) {
  Job job;
  job.begin({"a"}, {{"rounds", 20},
                    {"stop", {{"metric", "accuracy"}, {"operator", ">="}, {"value", 0.9}}}});
  whole_round(job, 1, {"a"}, 0.89);
  EXPECT_TRUE(job.finish.is_null());
  whole_round(job, 2, {"a"}, 0.9);
  EXPECT_EQ(job.phase(), "Succeeded");
  EXPECT_EQ(job.message(),
            "stopped after round 2 by accuracy >= 0.9: accuracy 0.9, loss 0.1, trainLoss 0.5");
}

TEST(FederatedRound, SaysWhenTheMetricToStopAtIsNotAmongTheMetrics) {
  Job job;
  job.begin({"a"},
            {{"rounds", 1}, {"stop", {{"metric", "acuracy"}, {"operator", ">"}, {"value", 0}}}});
  whole_round(job, 1, {"a"}, 0.5);
  EXPECT_THAT(job.message(), testing::HasSubstr("no metric `acuracy` to stop at"));
}

TEST(FederatedRound, EvaluatesEachSoManyRoundsAndAfterTheLast) {
  Job job;
  job.begin({"a"}, {{"rounds", 3}, {"evaluation", {{"where", "cloud"}, {"every", 2}}}});
  job.train("1/train/a");
  job.aggregate("1/aggregate", "m1");
  EXPECT_FALSE(job.reports[0].contains("accuracy"));
  EXPECT_FALSE(job.reports[0].contains("loss"));
  EXPECT_EQ(job.reports[0]["trainLoss"], 0.5);
  whole_round(job, 2, {"a"}, 0.5);
  whole_round(job, 3, {"a"}, 0.6);
  EXPECT_EQ(job.reports[1]["accuracy"], 0.5);
  EXPECT_EQ(job.reports[2]["accuracy"], 0.6);
  EXPECT_EQ(job.phase(), "Succeeded");
}

TEST(FederatedRound, EvaluatesOnTheEdgesWeightedBySamples) {
  Job job;
  job.start({"a", "b", "c"}, {{"rounds", 1}, {"evaluation", {{"where", "edges"}}}});
  job.aggregate("init/a", "m0");
  for (const char* node : {"a", "b", "c"}) job.train(std::string("1/train/") + node);
  job.aggregate("1/aggregate", "m1");
  EXPECT_EQ(job.tasks.at("1/evaluate/b")["params"],
            Json({{"index", 1}, {"parts", 3}, {"seed", 7}}));
  EXPECT_EQ(job.tasks.at("1/evaluate/b")["inputs"], Json({{"model", "m1"}}));
  job.evaluate("1/evaluate/a", 0.5, 300);
  job.evaluate("1/evaluate/b", 1.0, 100);
  job.fire("1/evaluate/deadline");
  EXPECT_EQ(job.reports[0]["accuracy"], 0.625);
  EXPECT_EQ(job.phase(), "Succeeded");
}

TEST(FederatedRound, WithoutEvaluationTheLossIsThatOfTheTraining) {
  Job job;
  job.start({"a", "b"}, {{"rounds", 1},
                         {"evaluation", {{"where", "none"}}},
                         {"initialModel", {{"$artifact", "m0"}}}});
  job.train("1/train/a", 30, 0.2);
  job.train("1/train/b", 10, 0.6);
  job.aggregate("1/aggregate", "m1");
  EXPECT_DOUBLE_EQ(job.reports[0]["loss"], 0.3);
  EXPECT_DOUBLE_EQ(job.reports[0]["trainLoss"], 0.3);
}

TEST(FederatedRound, TellsWhereTheTimeAndTheBytesWent) {
  Job job;
  job.now_ms = 1000;
  job.begin({"a", "b"}, {{"rounds", 1}});
  job.now_ms = 3000;
  job.train("1/train/a");
  job.now_ms = 6000;
  job.finish_task(
      "1/train/b",
      {{"artifacts", {{"update", Job::artifact("u")}}},
       {"result", {{"samples", 30}}},
       {"metrics", {{"loss", 0.1}}},
       {"seconds", {{"queue", 0.5}, {"download", 0.25}, {"run", 3.0}, {"upload", 0.75}}},
       {"cpu_seconds", 2.5},
       {"bytes", {{"down", 100}, {"up", 200}}}});
  job.now_ms = 6250;
  job.aggregate("1/aggregate", "m1");
  job.now_ms = 7250;
  job.evaluate("1/evaluate", 0.5);
  const Json record = job.reports.at(0);
  EXPECT_EQ(record["seconds"], Json({{"total", 6.25},
                                     {"wait", 1.0},
                                     {"download", 0.25},
                                     {"train", 3.0},
                                     {"upload", 0.75},
                                     {"aggregate", 0.25},
                                     {"evaluate", 1.0}}));
  EXPECT_DOUBLE_EQ(record["trainCpuSeconds"], 3.4);
  EXPECT_EQ(record["bytes"], Json({{"down", 110}, {"up", 220}}));
  EXPECT_EQ(record["samples"], 40);
  EXPECT_DOUBLE_EQ(record["trainLoss"], 0.2);
  EXPECT_EQ(record["model"], "m1");
  EXPECT_EQ(
      record["nodes"][1],
      Json({{"node", "b"},
            {"samples", 30},
            {"loss", 0.1},
            {"seconds", {{"queue", 0.5}, {"download", 0.25}, {"train", 3.0}, {"upload", 0.75}}},
            {"bytes", {{"down", 100}, {"up", 200}}}}));
}

TEST(FederatedRound, AMetricOfAPluginDoesNotTakeThePlaceOfAMember) {
  Job job;
  job.begin({"a"}, {{"rounds", 1}});
  job.train("1/train/a");
  job.aggregate("1/aggregate", "m1");
  job.finish_task("1/evaluate", {{"metrics", {{"round", 99}, {"f1", 0.5}}}});
  EXPECT_EQ(job.reports[0]["round"], 1);
  EXPECT_EQ(job.reports[0]["f1"], 0.5);
}

TEST(FederatedRound, FailsWithTheReasonOfAnAggregationOrAnEvaluation) {
  for (const char* task : {"1/aggregate", "1/evaluate"}) {
    Job job;
    job.begin({"a"});
    job.train("1/train/a");
    if (task == std::string("1/evaluate")) job.aggregate("1/aggregate", "m1");
    job.fail_task(task, "crashed", "killed by signal 11");
    EXPECT_TRUE(job.finish.is_null()) << "a crash is tried again";
    job.fail_task(task + std::string("/2"), "invalid_argument", "the reason");
    EXPECT_EQ(job.phase(), "Failed");
    EXPECT_THAT(job.message(), testing::HasSubstr("the reason"));
  }
}

TEST(FederatedRound, ASelectionThatTakesTooFewFailsTheJobAtOnce) {
  Job job;
  job.selection.most = 1;
  job.begin({"a", "b"}, {{"quorum", 2}});
  EXPECT_EQ(job.message(),
            "round 1: the selection took 1 of 2 nodes, and the quorum is 2. Let it take more, or "
            "lower the quorum");
}

TEST(FederatedRound, ASelectionThatFailsFailsTheJobWithItsMessage) {
  Job job;
  job.selection.error = "count is 9, but there are 2 nodes";
  job.begin({"a", "b"});
  EXPECT_EQ(job.phase(), "Failed");
  EXPECT_EQ(job.message(), "count is 9, but there are 2 nodes");
}

TEST(FederatedRound, AsksOnlyThoseThatTheSelectionTook) {
  Job job;
  job.selection.most = 2;
  job.begin({"a", "b", "c"});
  EXPECT_EQ(job.selection.last_candidates, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_TRUE(job.started("1/train/a"));
  EXPECT_FALSE(job.started("1/train/c"));
}

TEST(FederatedRound, APersonsStopEndsTheJobWithTheLastModel) {
  Job job;
  job.begin({"a", "b"}, {{"rounds", 9}});
  whole_round(job, 1, {"a", "b"}, 0.5);
  EXPECT_EQ(job.send({{"type", "Signal"}, {"name", "hello"}, {"value", 1}}), Json::array());
  job.train("2/train/a");
  job.send({{"type", "Signal"}, {"name", "stop"}, {"value", nullptr}});
  EXPECT_EQ(job.phase(), "Succeeded");
  EXPECT_EQ(job.message(),
            "stopped by a signal after round 1: accuracy 0.5, loss 0.5, trainLoss 0.5");
  EXPECT_EQ(job.stopped, std::set<std::string>{"2/train/b"});
  EXPECT_EQ(job.published.back()["digest"], "m1");
}

TEST(FederatedRound, AStopBeforeTheFirstModelIsAFailure) {
  Job job;
  job.begin({"a"});
  job.send({{"type", "Signal"}, {"name", "stop"}, {"value", nullptr}});
  EXPECT_EQ(job.phase(), "Failed");
}

TEST(FederatedRound, NothingHappensAfterTheEnd) {
  Job job;
  job.begin({"a"}, {{"rounds", 1}});
  whole_round(job, 1, {"a"}, 0.5);
  const std::string before = job.state();
  EXPECT_EQ(job.train("1/train/a"), Json::array());
  EXPECT_EQ(job.join("z"), Json::array());
  EXPECT_EQ(job.send({{"type", "Restarted"}}), Json::array());
  EXPECT_EQ(job.state(), before);
}

TEST(FederatedRound, ARestartAndEventsOfALaterVersionChangeNothing) {
  Job job;
  job.begin({"a", "b"});
  job.train("1/train/a");
  const std::string before = job.state();
  for (const char* type : {"Restarted", "TaskReported", "DatasetChanged", ""}) {
    EXPECT_EQ(job.send({{"type", type}, {"task", "1/train/b"}}), Json::array()) << type;
  }
  EXPECT_EQ(job.send({{"type", "TimerFired"}, {"timer", "of another round"}}), Json::array());
  EXPECT_EQ(job.state(), before);
}
