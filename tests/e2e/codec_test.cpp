// Jobs whose updates travel encoded, and a job that tries a filter of hard examples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/run.hpp"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

class Codec : public RunTest {
 protected:
  static JobText job(const std::string& codec) {
    JobText text;
    text.set("estimator", "{plugin: linear, config: {lr: 0.5, epochs: 3}}")
        .set("dataset", "{plugin: csv, config: {uri: " SKERRY_SOURCE_DIR
                        "/sdk/templates/common/points.csv, label: colour, holdout: 0.25}}")
        .set("evaluation", "{where: cloud}")
        .set("rounds", "5");
    if (!codec.empty()) text.set("codec", codec);
    return text;
  }
  // A model of 400 KB that means nothing.
  static JobText large(const std::string& codec) {
    JobText text;
    text.set("estimator", "{plugin: fixture-null, config: {bytes: 400000}}").set("rounds", "2");
    if (!codec.empty()) text.set("codec", codec);
    return text;
  }
  double up() const { return records().back().at("bytes").at("up").get<double>(); }
};

TEST_F(Codec, LearnsAsWellAsWithoutOne) {
  for (const char* codec : {"{plugin: int8}", "{plugin: top-k, config: {keep: 0.3}}"}) {
    const Output output = run(job(codec), 2);
    ASSERT_TRUE(output.ok()) << output.all();
    EXPECT_GE(records().back().at("accuracy"), 0.9) << codec;
    expect_rounds(5);
    std::filesystem::remove_all(results());
  }
  expect_nothing_left();
}

TEST_F(Codec, SavesTheBytesThatItPromises) {
  ASSERT_TRUE(run(large(""), 2).ok());
  const double plain = up();
  std::filesystem::remove_all(results());
  ASSERT_TRUE(run(large("{plugin: int8}"), 2).ok());
  EXPECT_LT(up(), 0.26 * plain);
  std::filesystem::remove_all(results());
  ASSERT_TRUE(run(large("{plugin: top-k, config: {keep: 0.05}}"), 2).ok());
  EXPECT_LT(up(), 0.11 * plain);
}

TEST_F(Codec, IsHeldToTheNormOfWhatItDecodes) {
  const Output output =
      run(job("{plugin: int8}").set("limits", "{norm: {max: 0.000001}}").set("attempts", "1"), 2);
  EXPECT_FALSE(output.ok());
  EXPECT_THAT(output.json().value("message", ""), HasSubstr("rejected.norm")) << output.all();
}

TEST_F(Codec, ThatThereIsNotIsSaidBeforeAnythingStarts) {
  const Output output = run(job("{plugin: int9}"), 2);
  EXPECT_EQ(output.ending.status, 2);
  EXPECT_THAT(output.err, HasSubstr("spec.codec.plugin: no plugin `int9` of kind codec/1. Did you "
                                    "mean `int8`?"));
}

class HardExamples : public RunTest {
 protected:
  // The job's message.
  std::string judged(const std::string& model,
                     const std::string& sampling = "{plugin: margin}") const {
    const auto file = scratch.write(
        "hard.yaml",
        "apiVersion: skerry.dev/v1alpha1\nkind: HardExampleJob\nmetadata: {name: hard}\nspec:\n"
        "  estimator: {plugin: linear}\n"
        "  dataset: {plugin: csv, config: {uri: " SKERRY_SOURCE_DIR
        "/sdk/templates/common/points.csv, label: colour, holdout: 0.25}}\n"
        "  sampling: " +
            sampling + "\n  nodes: 2\n" + (model.empty() ? "" : "  model: " + model + "\n"));
    const Output output =
        skerry({"run", "-f", file.string(), "--edges", "2", "--out", results().string(), "--json"});
    EXPECT_TRUE(output.ok()) << output.all();
    return output.json().value("message", "");
  }
};

// Without training every example is hard for the margin; of those the others leave what they say.
TEST_F(HardExamples, AreWhatAStackOfFiltersAgreesOn) {
  const auto stack = [](const std::string& config) {
    return "{plugin: stack, config: " + config + "}";
  };
  EXPECT_THAT(judged("", stack("{mode: all, filters: [{plugin: margin}, {plugin: random, config: "
                               "{ratio: 0}}]}")),
              HasSubstr("0 of 30 examples"));
  std::filesystem::remove_all(results());
  EXPECT_THAT(
      judged("", stack("{filters: [{plugin: margin}, {plugin: random, config: {ratio: 0}}]}")),
      HasSubstr("30 of 30 examples"));
  std::filesystem::remove_all(results());
  EXPECT_THAT(judged("", stack("{filters: [{plugin: margin}], unless: [{plugin: random, config: "
                               "{ratio: 1}}]}")),
              HasSubstr("0 of 30 examples"));
}

TEST_F(HardExamples, AreFewWhereTheModelIsTrainedAndAllWhereItIsNot) {
  EXPECT_THAT(judged(""), HasSubstr("30 of 30 examples on 2 nodes are hard (100.0%)"));
  std::filesystem::remove_all(results());
  JobText training;
  training.set("estimator", "{plugin: linear, config: {lr: 0.5, epochs: 30}}")
      .set("dataset", "{plugin: csv, config: {uri: " SKERRY_SOURCE_DIR
                      "/sdk/templates/common/points.csv, label: colour, holdout: 0.25}}")
      .set("rounds", "5");
  ASSERT_TRUE(run(training, 2).ok());
  const auto model = scratch / "trained.safetensors";
  std::filesystem::copy_file(results() / "model.safetensors", model);
  std::filesystem::remove_all(results());
  EXPECT_THAT(judged(model.string()),
              HasSubstr("of the easy ones the model is right about 100.0%"));
  EXPECT_LT(records().back().at("hardShare"), 0.2);
}

}  // namespace
}  // namespace skerry::testing
