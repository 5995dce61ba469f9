#include "core/config/resources.hpp"

#include <gmock/gmock.h>

#include "tests/unit/config/catalog.hpp"

namespace skerry::config {
namespace {

using testing::ElementsAre;

std::vector<std::string> problems(const std::string& yaml,
                                  const plugin::Catalog& catalog = test_catalog()) {
  const auto documents = parse_documents(yaml, "job.yaml");
  EXPECT_TRUE(documents) << documents.error().text();
  const auto resources = parse_resources(*documents, catalog);
  std::vector<std::string> texts;
  for (const Problem& problem : resources ? Problems() : resources.error()) {
    texts.push_back(problem.text());
  }
  return texts;
}

TEST(Resources, AreReadFromSeveralDocuments) {
  const auto documents = parse_documents(
      "apiVersion: skerry.dev/v1alpha1\n"
      "kind: Dataset\n"
      "metadata: {name: digits, labels: {team: a}}\n"
      "spec: {plugin: grid, config: {uri: x.png}, nodes: {edge-1: {uri: y.png}}}\n"
      "---\n"
      "apiVersion: skerry.dev/v1alpha1\n"
      "kind: TrainingJob\n"
      "metadata: {name: train}\n"
      "spec:\n",
      "job.yaml");
  const auto resources = parse_resources(*documents, test_catalog());
  ASSERT_TRUE(resources) << resources.error()[0].text();
  ASSERT_EQ(resources->size(), 2U);
  EXPECT_EQ(resources->at(0).kind, "Dataset");
  EXPECT_EQ(resources->at(0).name, "digits");
  EXPECT_EQ(resources->at(1).spec(), Json::object());
  EXPECT_EQ(resources->at(1).source.where("/kind"), "job.yaml:7");
}

TEST(Resources, SayWhatIsMissingAround) {
  EXPECT_THAT(
      problems("apiVersion: skerry.dev/v1alpha1\nkind: Dataset\nmetadta: {name: a}\n"),
      ElementsAre(
          "job.yaml: metadata: missing, expected map", "job.yaml: spec: missing, expected map",
          "job.yaml:3: unknown key `metadta`. Did you mean `metadata`? Allowed: apiVersion "
          "(string, "
          "required), kind (string, required), metadata (map, required), spec (map, required)"));
  EXPECT_THAT(problems("just text"),
              ElementsAre("job.yaml: found \"just text\" (string), expected map"));
}

TEST(Resources, SayWhichKindWasMeant) {
  EXPECT_THAT(
      problems(
          "apiVersion: skerry.dev/v1alpha1\nkind: TraningJob\nmetadata: {name: a}\nspec: {}\n"),
      ElementsAre("job.yaml:2: kind: unknown kind `TraningJob`. Did you mean `TrainingJob`? Known: "
                  "Dataset, "
                  "Model, TrainingJob."));
}

TEST(Resources, SayWhereWorkflowsWereLookedForWhenThereAreNone) {
  EXPECT_THAT(
      problems(
          "apiVersion: skerry.dev/v1alpha1\nkind: TrainingJob\nmetadata: {name: a}\nspec: {}\n",
          plugin::Catalog::scan({"/no/such"})),
      ElementsAre("job.yaml:2: kind: unknown kind `TrainingJob`. Known: Dataset, Model. No "
                  "workflow plugin was "
                  "found. Searched: /no/such (does not exist)"));
}

TEST(Resources, RefuseOtherVersionsAndBadNames) {
  EXPECT_THAT(
      problems(
          "apiVersion: skerry.dev/v2\nkind: TrainingJob\nmetadata: {name: My_Job}\nspec: {}\n"),
      ElementsAre(
          "job.yaml:1: apiVersion: found \"skerry.dev/v2\", this Skerry knows skerry.dev/v1alpha1",
          "job.yaml:3: metadata.name: found \"My_Job\", expected 1..63 lower-case letters, digits "
          "and "
          "'-', beginning and ending with a letter or a digit"));
}

TEST(Resources, RefuseTwoOfOneName) {
  const std::string one =
      "apiVersion: skerry.dev/v1alpha1\nkind: Model\nmetadata: {name: a}\nspec: {file: x}\n";
  EXPECT_THAT(
      problems(one + "---\n" + one),
      ElementsAre(
          "job.yaml:8: metadata.name: there are two of Model `a`; the first is at job.yaml:3"));
}

TEST(Resources, CheckTheSpecOfTheCoresOwnKinds) {
  EXPECT_THAT(
      problems(
          "apiVersion: skerry.dev/v1alpha1\nkind: Model\nmetadata: {name: a}\nspec:\n  path: x\n"
          "  format: onnx\n"),
      ElementsAre(
          "job.yaml:4: spec.file: missing, expected path of a file to send with the job",
          "job.yaml:5: spec: unknown key `path`. Allowed: file (path of a file to send with the "
          "job, required), format (safetensors|torchscript, default safetensors)",
          "job.yaml:6: spec.format: found \"onnx\" (string), expected one of: safetensors, "
          "torchscript"));
}

TEST(Resources, CheckADatasetAgainstItsPluginWhenAsked) {
  const auto documents = parse_documents(
      "apiVersion: skerry.dev/v1alpha1\nkind: Dataset\nmetadata: {name: a}\n"
      "spec:\n  plugin: grid\n  config:\n    cell: 20\n    uri: x.png\n",
      "data.yaml");
  const auto resources = parse_resources(*documents, test_catalog());
  ASSERT_TRUE(resources);
  const Problems problems = check_dataset(resources->at(0), test_catalog());
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].text(),
            "data.yaml:7: spec.config.cell: found 20 (integer), expected list of integer");
}

}  // namespace
}  // namespace skerry::config
