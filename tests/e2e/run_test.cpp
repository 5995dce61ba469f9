#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "core/base/digest.hpp"
#include "core/base/file.hpp"
#include "core/tensor/safetensors.hpp"
#include "tests/e2e/run.hpp"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

using EmbeddedRun = RunTest;

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

TEST_F(EmbeddedRun, ASuccessfulRunEndsWithTheSummaryOfTheJob) {
  const Output output = run(JobText(), 3);
  ASSERT_TRUE(output.ok()) << output.all();
  expect_nothing_left();

  const Json summary = output.json();
  EXPECT_THAT(keys_of(summary), IsSupersetOf({"job", "phase", "rounds", "metrics", "model", "bytes",
                                              "elapsedSeconds", "trainingSeconds"}));
  EXPECT_EQ(summary.at("job"), "test");
  EXPECT_EQ(summary.at("phase"), "Succeeded");
  EXPECT_EQ(summary.at("rounds"), 3);
  EXPECT_EQ(summary.at("metrics").at("accuracy"), 0.5);
  EXPECT_EQ(summary.at("model").at("path"), (results() / "model.safetensors").string());
  EXPECT_GT(summary.at("bytes").at("up").get<double>(), 3 * 3 * 4096);  // rounds x edges x weights
  EXPECT_GT(summary.at("bytes").at("down").get<double>(), 3 * 3 * 4096);
  EXPECT_GT(summary.at("elapsedSeconds").get<double>(), 0);
  EXPECT_TRUE(summary.at("trainingSeconds").is_number());
  EXPECT_EQ(summary.at("restarts"), 0);
}

TEST_F(EmbeddedRun, TheModelIsAWholeFileWithTheDigestOfTheSummary) {
  const Output output = run(JobText(), 3);
  ASSERT_TRUE(output.ok()) << output.all();
  const auto file = results() / "model.safetensors";
  EXPECT_EQ(digest_of_file(file).value().hex(), output.json().at("model").at("digest"));
  const auto bytes = MappedFile::open(file);
  ASSERT_TRUE(bytes) << bytes.error().text();
  const auto layout = tensor::parse_layout(bytes->bytes(), bytes->bytes().size());
  ASSERT_TRUE(layout) << layout.error().text();
  EXPECT_EQ(layout->tensors.size(), 4u);
  EXPECT_EQ(output.json().at("model").at("digest"), records().back().at("model"));
}

TEST_F(EmbeddedRun, EachRoundHasALineThatTellsWhereItsTimeWent) {
  const Output output = run(JobText(), 3);
  ASSERT_TRUE(output.ok()) << output.all();
  expect_rounds(3);
  for (const Json& record : records()) {
    double parts = 0;
    for (const char* part : {"wait", "download", "train", "upload", "aggregate", "evaluate"}) {
      ASSERT_TRUE(record.at("seconds").contains(part)) << record;
      EXPECT_GE(record["seconds"][part].get<double>(), 0) << part;
      parts += record["seconds"][part].get<double>();
    }
    EXPECT_NEAR(record["seconds"]["total"].get<double>(), parts, 1e-3) << record;
    EXPECT_EQ(record.at("participants").size(), 3u) << record;
    EXPECT_EQ(record.at("nodes").size(), 3u) << record;
    EXPECT_EQ(record.at("samples"), 800) << record;  // of 1000, a fifth is held out
  }
}

TEST_F(EmbeddedRun, TheResultFolderHoldsEverythingThatTellsOfTheRun) {
  const Output output = run(JobText(), 2);
  ASSERT_TRUE(output.ok()) << output.all();
  const std::string report = result("report.html");
  EXPECT_THAT(report, HasSubstr("</html>"));
  EXPECT_THAT(report, HasSubstr("fixture-null"));
  EXPECT_THAT(report, Not(HasSubstr("src=\"http"))) << "the report must need no network";
  for (const char* log : {"cloud.log", "edge-1.log", "edge-2.log"})
    EXPECT_NE(result(std::string("logs/") + log), "") << log;
}

TEST_F(EmbeddedRun, TheResolvedJobGivesTheSameModelAgain) {
  const Output first = run(JobText(), 2);
  ASSERT_TRUE(first.ok()) << first.all();
  const auto again = scratch / "again";
  const Output second = skerry({"run", "-f", (results() / "job.yaml").string(), "--edges", "2",
                                "--out", again.string(), "--json"});
  ASSERT_TRUE(second.ok()) << second.all();
  EXPECT_EQ(first.json().at("model").at("digest"), second.json().at("model").at("digest"));
}

TEST_F(EmbeddedRun, AMetricThatIsReachedEndsTheJobBeforeTheLastRound) {
  const Output output = run(
      JobText().set("rounds", "50").set("stop", "{metric: accuracy, operator: \">=\", value: 0.5}"),
      2);
  ASSERT_TRUE(output.ok()) << output.all();
  EXPECT_EQ(output.json().at("phase"), "Succeeded");
  expect_rounds(1);
}

TEST_F(EmbeddedRun, AJobThatCannotSucceedEndsWithStatusOne) {
  // Every row trains to NaN on the only edge.
  const Output output = run(JobText()
                                .set("estimator", "{plugin: fixture-nan}")
                                .set("dataset", "{plugin: fixture-null, config: {holdout: 0}}")
                                .set("evaluation", "{where: none}")
                                .set("attempts", "1")
                                .set("deadline", "10s"),
                            1);
  EXPECT_EQ(output.ending.status, 1) << output.all();
  EXPECT_EQ(output.json().at("phase"), "Failed");
  expect_nothing_left();
}

TEST_F(EmbeddedRun, CtrlCEndsEverythingWithinFiveSeconds) {
  Process process =
      start_run(JobText()
                    .set("rounds", "100000")
                    .set("estimator", "{plugin: fixture-null, config: {trainMillis: 100}}"),
                3);
  ASSERT_TRUE(eventually([&] { return rounds_done() >= 1 || process.ended(); }));
  EXPECT_FALSE(running().empty());
  process.send(SIGINT);
  const Output output = finish(process, std::chrono::seconds(5));
  EXPECT_EQ(output.ending.status, 130) << output.all();
  expect_nothing_left();
  EXPECT_EQ(output.json().at("phase"), "Stopped");
  EXPECT_GE(records().size(), 1u) << "what was done is kept";
}

TEST_F(EmbeddedRun, CtrlCBeforeTheFirstRoundEndsEverythingToo) {
  Process process = start_run(JobText().set("rounds", "100000"), 3);
  ASSERT_TRUE(eventually([&] {
    return !skerry_processes(scratch.path(), "skerry-cloud").empty() || process.ended();
  }));
  process.send(SIGINT);
  const Output output = finish(process, std::chrono::seconds(5));
  EXPECT_EQ(output.ending.status, 130) << output.all();
  expect_nothing_left();
}

TEST_F(EmbeddedRun, AKilledRunLeavesNothingRunning) {
  Process process = start_run(JobText().set("rounds", "100000"), 3);
  ASSERT_TRUE(eventually([&] { return rounds_done() >= 1 || process.ended(); }));
  process.send(SIGKILL);
  process.wait();
  EXPECT_TRUE(eventually([&] { return running().empty(); })) << text_of(running());
}

}  // namespace
}  // namespace skerry::testing
