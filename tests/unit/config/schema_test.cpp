#include "core/config/schema.hpp"

#include <gmock/gmock.h>

#include <filesystem>

#include "core/base/file.hpp"
#include "core/config/document.hpp"

namespace skerry::config {
namespace {

using testing::ElementsAre;

const Json& schema() {
  static const Json schema = Json::parse(R"({
    "type": "object", "required": ["rounds"],
    "properties": {
      "rounds": {"type": "integer", "minimum": 1},
      "threshold": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
      "loss": {"type": "string", "enum": ["cross_entropy", "mse"], "default": "mse"},
      "cell": {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2, "maxItems": 2},
      "lr": {"type": "number", "exclusiveMinimum": 0},
      "on": {"type": "boolean"},
      "deadline": {"type": "string", "format": "duration", "default": "60s"},
      "quorum": {"type": "integer", "minimum": 1, "atMost": "nodes"},
      "label": {"type": ["string", "integer"]},
      "optimizer": {"type": "object", "properties": {"momentum": {"type": "number", "default": 0}}},
      "columns": {"type": "object", "additionalProperties": {"type": "string"}}}})");
  return schema;
}

struct Outcome {
  Json value;
  std::vector<std::string> problems;
};

Outcome check(const std::string& yaml, const Json& by = schema(),
              std::optional<int> nodes = std::nullopt) {
  const auto documents = parse_documents(yaml, "job.yaml");
  EXPECT_TRUE(documents) << documents.error().text();
  SchemaContext context;
  context.source = &documents->at(0).source;
  context.nodes = nodes;
  std::vector<Problem> problems;
  Outcome outcome;
  outcome.value = apply_schema(by, documents->at(0).value, context, problems);
  for (const Problem& problem : problems) {
    outcome.problems.push_back(problem.text());
  }
  return outcome;
}

TEST(Schema, FillsInDefaults) {
  const Outcome outcome = check("rounds: 3\noptimizer: {}\n");
  EXPECT_THAT(outcome.problems, ElementsAre());
  EXPECT_EQ(outcome.value, Json({{"rounds", 3},
                                 {"threshold", 0.5},
                                 {"loss", "mse"},
                                 {"deadline", "60s"},
                                 {"optimizer", {{"momentum", 0}}}}));
}

TEST(Schema, TakesNothingForAnEmptyMap) {
  EXPECT_EQ(check("rounds: 3\noptimizer:\n").value["optimizer"], Json({{"momentum", 0}}));
}

TEST(Schema, SaysWhatAnUnknownKeyWasMeantToBe) {
  const Json small = Json::parse(R"({"type": "object", "properties": {
      "seed": {"type": "integer", "minimum": 0},
      "threshold": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5}}})");
  EXPECT_THAT(
      check("seed: 1\ntreshold: 0.4\n", small).problems,
      ElementsAre("job.yaml:2: unknown key `treshold`. Did you mean `threshold`? Allowed: seed "
                  "(integer, >= 0), threshold (number, 0..1, default 0.5)"));
  EXPECT_THAT(
      check("seed: 1\ncolour: red\n", small).problems,
      ElementsAre("job.yaml:2: unknown key `colour`. Allowed: seed (integer, >= 0), threshold "
                  "(number, 0..1, default 0.5)"));
  EXPECT_THAT(check("a: 1", Json{{"type", "object"}}).problems,
              ElementsAre("job.yaml:1: unknown key `a`. Allowed: none"));
}

TEST(Schema, SaysWhatWasFoundAndWhatIsExpected) {
  EXPECT_THAT(check("rounds: abc").problems,
              ElementsAre("job.yaml:1: rounds: found \"abc\" (string), expected integer >= 1"));
  EXPECT_THAT(check("rounds: 2.5").problems,
              ElementsAre("job.yaml:1: rounds: found 2.5 (number), expected integer >= 1"));
  EXPECT_THAT(check("rounds: 0").problems,
              ElementsAre("job.yaml:1: rounds: found 0 (integer), expected integer >= 1"));
  EXPECT_THAT(check("{rounds: 1, threshold: 1.5}").problems,
              ElementsAre("job.yaml:1: threshold: found 1.5 (number), expected number in 0..1"));
  EXPECT_THAT(check("{rounds: 1, lr: 0}").problems,
              ElementsAre("job.yaml:1: lr: found 0 (integer), expected number > 0"));
  EXPECT_THAT(check("{rounds: 1, on: yes}").problems,
              ElementsAre("job.yaml:1: on: found \"yes\" (string), expected boolean"));
  EXPECT_THAT(check("{rounds: 1, label: [1]}").problems,
              ElementsAre("job.yaml:1: label: found a list, expected string or integer"));
  EXPECT_THAT(check("{rounds: ~}").problems,
              ElementsAre("job.yaml:1: rounds: found nothing, expected integer >= 1"));
  EXPECT_THAT(check("[1]").problems, ElementsAre("job.yaml: found a list, expected map"));
}

TEST(Schema, NamesTheItemOfAListThatIsWrong) {
  EXPECT_THAT(check("{rounds: 1, cell: [20]}").problems,
              ElementsAre("job.yaml:1: cell: found 1 value, expected list of integer, 2 values"));
  EXPECT_THAT(check("rounds: 1\ncell:\n  - 20\n  - 0\n").problems,
              ElementsAre("job.yaml:4: cell[1]: found 0 (integer), expected integer >= 1"));
}

TEST(Schema, ListsTheChoices) {
  EXPECT_THAT(check("{rounds: 1, loss: crossentropy}").problems,
              ElementsAre("job.yaml:1: loss: found \"crossentropy\" (string), expected one of: "
                          "cross_entropy, mse. Did you mean `cross_entropy`?"));
  EXPECT_THAT(
      check("{rounds: 1, loss: 3}").problems,
      ElementsAre("job.yaml:1: loss: found 3 (integer), expected one of: cross_entropy, mse"));
}

TEST(Schema, NamesWhatIsMissingAtTheLineOfItsParent) {
  const Json outer{{"type", "object"}, {"properties", {{"spec", schema()}}}};
  EXPECT_THAT(check("\nspec:\n  threshold: 1\n", outer).problems,
              ElementsAre("job.yaml:2: spec.rounds: missing, expected integer >= 1"));
}

TEST(Schema, ChecksDurations) {
  EXPECT_EQ(check("{rounds: 1, deadline: 500ms}").value["deadline"], "500ms");
  EXPECT_THAT(check("{rounds: 1, deadline: soon}").problems,
              ElementsAre(testing::StartsWith(
                  "job.yaml:1: deadline: \"soon\" is no duration; write a number")));
  EXPECT_THAT(
      check("{rounds: 1, deadline: 60}").problems,
      ElementsAre(
          "job.yaml:1: deadline: found 60 (integer), expected duration, as 60s, 5m or 500ms"));
}

TEST(Schema, ComparesWithTheNumberOfNodesWhereItIsKnown) {
  EXPECT_THAT(
      check("rounds: 1\nquorum: 5\n", schema(), 4).problems,
      ElementsAre(
          "job.yaml:2: quorum: quorum is 5 but there are 4 nodes; use at most 4 or start more "
          "edges"));
  EXPECT_THAT(
      check("{rounds: 1, quorum: 2}", schema(), 1).problems,
      ElementsAre(
          "job.yaml:1: quorum: quorum is 2 but there is 1 node; use at most 1 or start more "
          "edges"));
  EXPECT_THAT(check("{rounds: 1, quorum: 4}", schema(), 4).problems, ElementsAre());
  EXPECT_THAT(check("{rounds: 1, quorum: 5}").problems, ElementsAre());
}

TEST(Schema, CollectsAllProblems) {
  EXPECT_EQ(check("{threshold: 2, loss: x, cell: [a, b], columns: {a: 1}}").problems.size(), 6U);
}

class SchemaPaths : public testing::Test {
 protected:
  Outcome check(const std::string& file, const std::string& path, bool check_files) {
    const auto documents = parse_documents("{uri: '" + path + "'}", file);
    SchemaContext context;
    context.source = &documents->at(0).source;
    context.check_files = check_files;
    std::vector<Problem> problems;
    Outcome outcome;
    const Json by = Json::parse(
        R"({"type": "object", "properties": {"uri": {"type": "string", "format": "path"}}})");
    outcome.value = apply_schema(by, documents->at(0).value, context, problems)["uri"];
    for (const Problem& problem : problems) {
      outcome.problems.push_back(problem.text());
    }
    return outcome;
  }
};

TEST_F(SchemaPaths, AreRelativeToTheFileThatTheyStandIn) {
  EXPECT_EQ(check("/jobs/a/job.yaml", "../data/x.png", false).value, "/jobs/data/x.png");
  EXPECT_EQ(check("/jobs/a/job.yaml", "/data/x.png", false).value, "/data/x.png");
  EXPECT_EQ(check("job.yaml", "x.png", false).value,
            (std::filesystem::current_path() / "x.png").string());
  EXPECT_EQ(check("/jobs/a/job.yaml", "file:///data/x.png", false).value, "/data/x.png");
  EXPECT_EQ(check("/jobs/a/job.yaml", "https://a.example/x.png", false).value,
            "https://a.example/x.png");
}

TEST_F(SchemaPaths, MustExistWhereThatIsAsked) {
  EXPECT_THAT(check("/jobs/job.yaml", "x.png", false).problems, ElementsAre());
  EXPECT_THAT(check("/jobs/job.yaml", "x.png", true).problems,
              ElementsAre("/jobs/job.yaml:1: uri: no such file: /jobs/x.png"));
  EXPECT_THAT(check("/jobs/job.yaml", "/proc/self/exe", true).problems, ElementsAre());
}

}  // namespace
}  // namespace skerry::config
