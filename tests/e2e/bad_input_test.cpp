// Mistakes in the job itself.
#include "tests/e2e/refusal.hpp"

namespace skerry::testing {
namespace {

using BadJob = RefusalTest;

TEST_F(BadJob, AnUnknownPluginGetsAGuess) {
  expect_refused(JobText().set("aggregation", "{plugin: fedavgg}"),
                 {"aggregation",
                  "spec.aggregation.plugin",
                  {"no plugin `fedavgg` of kind aggregation/1", "Did you mean `fedavg`?",
                   "Available: ", "Searched: "}});
}

TEST_F(BadJob, AnUnknownKeyGetsAGuessAndTheListOfWhatIsAllowed) {
  expect_refused(JobText().set("quorun", "2"),
                 {"quorun",
                  "spec",
                  {"unknown key `quorun`", "Did you mean `quorum`?",
                   "Allowed: ", "rounds (integer, 1..1000000, required)"}});
}

TEST_F(BadJob, AnUnknownKeyOfAPluginIsNamedWithItsPlace) {
  expect_refused(
      JobText().set("estimator", "{plugin: fixture-null, config: {byte: 100}}"),
      {"estimator", "spec.estimator.config", {"unknown key `byte`", "Did you mean `bytes`?"}});
}

TEST_F(BadJob, AWrongTypeIsShownWithWhatIsExpected) {
  expect_refused(
      JobText().set("rounds", "many"),
      {"rounds", "spec.rounds", {"found \"many\" (string)", "expected integer in 1..1000000"}});
}

TEST_F(BadJob, AValueOutOfRangeIsShownWithTheRange) {
  expect_refused(
      JobText().set("rounds", "0"),
      {"rounds", "spec.rounds", {"found 0 (integer)", "expected integer in 1..1000000"}});
}

TEST_F(BadJob, AValueOfAPluginOutOfRangeIsShownWithTheRange) {
  expect_refused(JobText().set("dataset", "{plugin: fixture-null, config: {holdout: 1.5}}"),
                 {"dataset",
                  "spec.dataset.config.holdout",
                  {"found 1.5 (number)", "expected number in 0..0.9"}});
}

TEST_F(BadJob, ADurationWithoutUnitIsExplained) {
  expect_refused(JobText().set("deadline", "soon"), {"deadline", "spec.deadline", {"soon", "60s"}});
}

TEST_F(BadJob, AMissingKeyIsNamed) {
  const Output output = run(JobText().without("rounds"), 3);
  EXPECT_EQ(output.ending.status, 2) << output.all();
  expect_nothing_started();
  EXPECT_EQ(output.json()["problems"][0]["field"], "spec.rounds");
  EXPECT_THAT(output.err, ::testing::HasSubstr("missing, expected integer in 1..1000000"));
}

TEST_F(BadJob, AQuorumLargerThanTheEdgesIsRefusedWithTheirNumber) {
  expect_refused(JobText().set("quorum", "5"),
                 {"quorum", "spec.quorum", {"quorum is 5", "there are 3 nodes", "use at most 3"}});
}

TEST_F(BadJob, AllMistakesAreToldAtOnceInTheOrderOfTheFile) {
  const Output output = run(
      JobText().set("aggregation", "{plugin: fedavgg}").set("rounds", "0").set("quorum", "5"), 3);
  EXPECT_EQ(output.ending.status, 2) << output.all();
  expect_nothing_started();
  const Json problems = output.json()["problems"];
  ASSERT_EQ(problems.size(), 3u) << output.all();
  EXPECT_EQ(problems[0]["field"], "spec.aggregation.plugin");
  EXPECT_EQ(problems[1]["field"], "spec.rounds");
  EXPECT_EQ(problems[2]["field"], "spec.quorum");
}

TEST_F(BadJob, AFileThatIsNoYamlIsRefusedAtItsLine) {
  const auto file = scratch.write("job.yaml", "apiVersion: skerry.dev/v1alpha1\nkind: [\n");
  const Output output =
      skerry({"run", "-f", file.string(), "--edges", "3", "--out", results().string()});
  EXPECT_EQ(output.ending.status, 2) << output.all();
  expect_nothing_started();
  EXPECT_THAT(output.err, ::testing::StartsWith("error: " + file.string() + ":"));
}

TEST_F(BadJob, AFileThatIsNotThereIsNamed) {
  const Output output = skerry({"run", "-f", (scratch / "absent.yaml").string(), "--edges", "3",
                                "--out", results().string()});
  EXPECT_EQ(output.ending.status, 2) << output.all();
  expect_nothing_started();
  EXPECT_THAT(output.err, ::testing::HasSubstr((scratch / "absent.yaml").string()));
  EXPECT_THAT(output.err, ::testing::HasSubstr("No such file"));
}

TEST_F(BadJob, ZeroEdgesAreRefused) {
  const Output output = run(JobText(), 0);
  EXPECT_EQ(output.ending.status, 2) << output.all();
  expect_nothing_started();
  EXPECT_THAT(output.err, ::testing::HasSubstr("--edges: found 0"));
}

TEST_F(BadJob, AFolderWithOtherFilesIsNotOverwritten) {
  const auto precious = scratch.write("out/thesis.txt", "years of work");
  const Output output = run(JobText(), 3);
  EXPECT_EQ(output.ending.status, 2) << output.all();
  expect_nothing_left();
  EXPECT_THAT(output.err, ::testing::HasSubstr("holds other files"));
  EXPECT_EQ(read_text(precious), "years of work");
}

TEST_F(BadJob, CheckFindsTheSameWithoutRunning) {
  JobText job;
  job.set("rounds", "many");
  const auto file = scratch.write("job.yaml", job.yaml());
  const Output output = skerry({"check", file.string(), "--json"});
  EXPECT_EQ(output.ending.status, 2) << output.all();
  EXPECT_EQ(output.json()["problems"][0]["where"],
            file.string() + ":" + std::to_string(job.line_of("rounds")));
  const Output good = skerry(
      {"check", scratch.write("job.yaml", JobText().yaml()).string(), "--edges", "3", "--json"});
  EXPECT_TRUE(good.ok()) << good.all();
}

}  // namespace
}  // namespace skerry::testing
