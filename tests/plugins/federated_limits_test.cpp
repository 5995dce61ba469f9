// What an update must keep to, how much one node may weigh, and the gate before publishing.
#include "federated_support.hpp"

using federated_test::Job;
using federated_test::Json;

namespace {

Json with_limits(const Json& limits) {
  return {{"rounds", 1}, {"limits", limits}};
}

Json weights(const Job& job) {
  Json list = Json::array();
  for (const Json& update : job.tasks.at("1/aggregate")["params"]["updates"])
    list.push_back(update.value("weight", update["samples"].get<int>()));
  return list;
}

// A round of one node whose model has that accuracy.
void round(Job& job, int number, double accuracy) {
  const std::string prefix = std::to_string(number);
  job.train(prefix + "/train/a");
  job.aggregate(prefix + "/aggregate", "m" + prefix);
  job.evaluate(prefix + "/evaluate", accuracy);
}

}  // namespace

TEST(FederatedLimits, AreGivenToTheHostThatChecksThem) {
  Job job;
  job.begin({"a"}, with_limits({{"bytes", 5000}, {"norm", {{"max", 2.5}, {"policy", "clip"}}}}));
  EXPECT_EQ(job.tasks.at("1/train/a")["limits"],
            Json({{"update",
                   {{"bytes", 5000},
                    {"norm", {{"max", 2.5}, {"policy", "clip"}}},
                    {"samples", {{"min", 1}, {"max", std::uint64_t{1} << 53}}}}}}));
  EXPECT_EQ(job.tasks.at("1/train/a")["deadline_ms"], 120'000);
}

TEST(FederatedLimits, AreThatThereAreSamplesAndNoMoreUnlessTheJobSaysSo) {
  Job job;
  job.begin({"a"});
  EXPECT_EQ(job.tasks.at("1/train/a")["limits"],
            Json({{"update", {{"samples", {{"min", 1}, {"max", std::uint64_t{1} << 53}}}}}}));
}

TEST(FederatedLimits, OnSamplesAreEachNodesOwn) {
  Job job;
  job.begin({"a", "b"},
            with_limits({{"samples", {{"min", 5}, {"max", 100}, {"nodes", {{"b", 20}}}}}}));
  const auto limit = [&](const char* task) {
    return job.tasks.at(task)["limits"]["update"]["samples"];
  };
  EXPECT_EQ(limit("1/train/a"), Json({{"min", 5}, {"max", 100}}));
  EXPECT_EQ(limit("1/train/b"), Json({{"min", 5}, {"max", 20}}));
  job.fail_task("1/train/a", "rejected.samples", "the answer names 4 samples");
  EXPECT_FALSE(job.started("1/train/a/2"));
  job.train("1/train/b", 20);
  job.aggregate("1/aggregate", "m1");
  job.evaluate("1/evaluate", 0.5);
  EXPECT_EQ(job.reports.at(0)["participants"], Json({"b"}));
  EXPECT_EQ(job.reports[0]["rejected"][0]["code"], "rejected.samples");
}

TEST(FederatedLimits, OnTheShareCutDownTheHeaviest) {
  Job job;
  job.begin({"a", "b", "c"}, with_limits({{"share", 0.5}}));
  job.train("1/train/a", 1000);
  job.train("1/train/b", 10);
  job.train("1/train/c", 30);
  EXPECT_EQ(weights(job), Json({40, 10, 30}));
  EXPECT_EQ(job.tasks.at("1/aggregate")["params"]["updates"][0]["samples"], 1000);
  ASSERT_EQ(job.notes.size(), 1U);
  EXPECT_EQ(job.notes[0]["code"], "limited.share");
  EXPECT_EQ(job.notes[0]["node"], "a");
  EXPECT_EQ(job.notes[0]["message"],
            "in round 1 its update weighs 40 of the 1000 samples that it names");
}

TEST(FederatedLimits, OnTheShareLeaveFairWeightsAlone) {
  Job job;
  job.begin({"a", "b", "c"}, with_limits({{"share", 0.5}}));
  job.train("1/train/a", 20);
  job.train("1/train/b", 10);
  job.train("1/train/c", 10);
  EXPECT_EQ(weights(job), Json({20, 10, 10}));
  EXPECT_TRUE(job.notes.empty());
}

TEST(FederatedLimits, OnTheShareThatSoFewCannotKeepMakeAllWeighTheSame) {
  Job job;
  job.begin({"a", "b"}, with_limits({{"share", 0.25}}));
  job.train("1/train/a", 70);
  job.train("1/train/b", 30);
  EXPECT_EQ(weights(job), Json({30, 30}));
}

TEST(FederatedLimits, ThatNothingCanKeepFailTheJob) {
  Job job;
  job.start({"a"}, with_limits({{"samples", {{"min", 5}, {"max", 4}}}}));
  EXPECT_EQ(job.phase(), "Failed");
  EXPECT_THAT(job.message(), testing::HasSubstr("limits.samples"));
}

TEST(FederatedGate, KeepsTheLastGoodModelWhenANewOneIsWorse) {
  Job job;
  job.begin({"a"}, {{"rounds", 3}, {"gate", {{"metric", "accuracy"}, {"maxDrop", 0.02}}}});
  round(job, 1, 0.75);
  round(job, 2, 0.5);
  EXPECT_EQ(job.tasks.at("3/train/a")["inputs"]["model"], "m1");
  round(job, 3, 0.74);
  ASSERT_EQ(job.published.size(), 2U);
  EXPECT_EQ(job.published[0]["digest"], "m1");
  EXPECT_EQ(job.published[1]["digest"], "m3");
  EXPECT_FALSE(job.reports[0].contains("refused"));
  EXPECT_EQ(job.reports[1]["refused"],
            "accuracy is 0.5, the last good model had 0.75 and may lose 0.02 at most");
  ASSERT_EQ(job.notes.size(), 1U);
  EXPECT_EQ(job.notes[0]["code"], "rejected.gate");
  EXPECT_EQ(job.notes[0]["digest"], "m2");
  EXPECT_EQ(job.phase(), "Succeeded");
  EXPECT_THAT(job.message(), testing::HasSubstr("3 rounds (1 refused by the gate)"));
}

TEST(FederatedGate, FailsAJobThatNeverGaveAGoodModel) {
  Job job;
  job.begin({"a"}, {{"gate", {{"metric", "accuracy"}, {"atLeast", 0.9}}}});
  round(job, 1, 0.5);
  round(job, 2, 0.6);
  EXPECT_TRUE(job.published.empty());
  EXPECT_EQ(job.phase(), "Failed");
  EXPECT_EQ(job.message(),
            "no model of 2 rounds passed the gate; in the last, accuracy is 0.6, at least 0.9 is "
            "wanted");
}

TEST(FederatedGate, EvaluatesEveryRound) {
  Job job;
  job.begin({"a"}, {{"evaluation", {{"where", "cloud"}, {"every", 10}}},
                    {"gate", {{"metric", "loss"}, {"maxRise", 0.1}}}});
  round(job, 1, 0.5);
  EXPECT_TRUE(job.started("1/evaluate"));
}

TEST(FederatedGate, NeedsAnEvaluationAndSomethingToCompareWith) {
  Job blind;
  blind.start({"a"}, {{"evaluation", {{"where", "none"}}},
                      {"gate", {{"metric", "accuracy"}, {"atLeast", 0.9}}}});
  EXPECT_THAT(blind.message(), testing::HasSubstr("needs an evaluation"));
  Job idle;
  idle.start({"a"}, {{"gate", {{"metric", "accuracy"}}}});
  EXPECT_THAT(idle.message(), testing::HasSubstr("add atLeast, atMost, maxDrop or maxRise"));
}

TEST(FederatedRefusals, ByTheGateOfAnUnknownMetricAreTold) {
  Job job;
  job.begin({"a"}, {{"rounds", 1}, {"gate", {{"metric", "acuracy"}, {"atLeast", 0.9}}}});
  round(job, 1, 0.99);
  EXPECT_THAT(job.message(), testing::HasSubstr("the evaluation gave no metric `acuracy`"));
}
