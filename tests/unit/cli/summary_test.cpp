#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/json.hpp"
#include "hosts/cli/run/summary.hpp"

using skerry::Json;
using namespace skerry::cli;

namespace {

Json record(int round, double accuracy) {
  return {{"round", round},
          {"accuracy", accuracy},
          {"loss", 0.5},
          {"samples", 4000},
          {"trainCpuSeconds", 8.0},
          {"bytes", {{"up", 100}, {"down", 50}}},
          {"seconds", {{"total", 5.0}, {"train", 4.0}, {"wait", 0.5}, {"aggregate", 0.1}}}};
}

RunFacts facts() {
  RunFacts facts;
  facts.job = "a";
  facts.phase = "Succeeded";
  facts.records = {record(1, 0.8), record(2, 0.9)};
  facts.elapsed = 12;
  facts.check_seconds = 1;
  facts.start_seconds = 0.5;
  facts.edges = 4;
  facts.cores = 2;
  return facts;
}

TEST(Summary, SpreadsTrainingOverTheCoresInUse) {
  RunFacts run = facts();
  EXPECT_DOUBLE_EQ(summarize(run)["trainingSeconds"], 8.0);  // 16 CPU seconds on 2 cores
  EXPECT_DOUBLE_EQ(summarize(run)["overhead"], 1.5);
  run.edges = 1;
  EXPECT_DOUBLE_EQ(summarize(run)["trainingSeconds"], 16.0);
  run.threads_per_edge = 2;
  EXPECT_DOUBLE_EQ(summarize(run)["trainingSeconds"], 8.0);
}

TEST(Summary, AccountsForTheWholeElapsedTime) {
  const Json summary = summarize(facts());
  double sum = 0;
  for (const auto& [name, seconds] : summary["seconds"].items()) sum += seconds.get<double>();
  EXPECT_NEAR(sum, 12.0, 1e-9);
  EXPECT_DOUBLE_EQ(summary["seconds"]["train"], 8.0);
  EXPECT_NEAR(summary["seconds"]["other"].get<double>(), 12 - 1.5 - 8 - 1 - 0.2, 1e-9);
}

TEST(Summary, CarriesTheFieldsThatScriptsReadInAStableForm) {
  RunFacts run = facts();
  run.model_path = "/out/model.safetensors";
  run.model_digest = "ab";
  const Json summary = summarize(run);
  EXPECT_EQ(summary["job"], "a");
  EXPECT_EQ(summary["phase"], "Succeeded");
  EXPECT_EQ(summary["rounds"], 2);
  EXPECT_EQ(summary["metrics"], (Json{{"accuracy", 0.9}, {"loss", 0.5}}));
  EXPECT_EQ(summary["model"], (Json{{"path", "/out/model.safetensors"}, {"digest", "ab"}}));
  EXPECT_EQ(summary["bytes"], (Json{{"up", 200}, {"down", 100}}));
  EXPECT_DOUBLE_EQ(summary["elapsedSeconds"], 12.0);
}

TEST(Summary, PrefersTheCloudsOwnCountOfBytes) {
  RunFacts run = facts();
  run.bytes = {{"up", 7}, {"down", 9}};
  EXPECT_EQ(summarize(run)["bytes"], run.bytes);
}

TEST(Summary, TakesAMetricFromTheLastRoundThatHasIt) {
  RunFacts run = facts();
  run.records.push_back({{"round", 3}, {"trainLoss", 0.1}});
  EXPECT_EQ(summarize(run)["metrics"],
            (Json{{"accuracy", 0.9}, {"loss", 0.5}, {"trainLoss", 0.1}}));
}

TEST(Summary, OfARunWithoutRoundsHasNoModelAndNoOverhead) {
  RunFacts run;
  run.job = "a";
  run.phase = "Failed";
  run.message = "no quorum\x1b[2J";
  const Json summary = summarize(run);
  EXPECT_TRUE(summary["model"].is_null());
  EXPECT_TRUE(summary["overhead"].is_null());
  const std::string text = summary_text(summary, Style{});
  EXPECT_THAT(text, ::testing::HasSubstr("Failed, no quorum"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

}  // namespace
