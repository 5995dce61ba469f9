// What each strategy says of every question that there can be.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "plugin_under_test.hpp"

using skerry_test::Instance;
using skerry_test::Outcome;
using skerry_test::PluginUnderTest;

namespace {

// What is known of a stage: "p" it has predicted, "e" or "h" its filter found that easy or hard.
const std::vector<std::string> kKnown = {"-", "p", "e", "h", "pe", "ph"};

skerry_stage stage_of(const std::string& known, double score) {
  const auto has = [&](char letter) { return known.find(letter) != known.npos ? 1U : 0U; };
  return {has('p'), has('e') | has('h'), score, has('h'), 0};
}

// What is known of the first stage, and the step.
using Table = std::map<std::string, std::string>;

class Strategy {
 public:
  explicit Strategy(const std::string& name)
      : plugin_(name), strategy_(plugin_.create<skerry_inference_v1>(name)) {}

  // "predict 0", "judge 1", "ask", "answer 0".
  std::string next(const std::vector<std::string>& known, std::uint64_t remaining_us = 50'000,
                   double score = 0.5) {
    std::vector<skerry_stage> stages;
    for (const std::string& each : known) stages.push_back(stage_of(each, score));
    const skerry_question question = {sizeof(question), static_cast<std::uint32_t>(stages.size()),
                                      stages.data(), remaining_us};
    skerry_step step = {~0U, ~0U};
    const Outcome outcome = strategy_.call(&skerry_inference_v1::next, &question, &step);
    EXPECT_TRUE(outcome.ok()) << outcome;
    const std::string stage = std::to_string(step.stage);
    switch (step.action) {
      case SKERRY_STEP_PREDICT:
        return "predict " + stage;
      case SKERRY_STEP_JUDGE:
        return "judge " + stage;
      case SKERRY_STEP_ASK:
        return step.stage == 0 ? "ask" : "ask " + stage;
      case SKERRY_STEP_ANSWER:
        return "answer " + stage;
    }
    return "action " + std::to_string(step.action);
  }

  Table table() {
    Table table;
    for (const std::string& known : kKnown) table[known] = next({known});
    return table;
  }

 private:
  PluginUnderTest plugin_;
  Instance<skerry_inference_v1> strategy_;
};

Table table_of(const std::string& name) {
  return Strategy(name).table();
}

const std::vector<std::string> kAll = {"cascade", "cloud-only", "edge-only", "infer-then-mine",
                                       "mine-then-infer"};

}  // namespace

TEST(CloudOnly, AsksTheCloudWhateverIsKnown) {
  EXPECT_EQ(
      table_of("cloud-only"),
      (Table{
          {"-", "ask"}, {"p", "ask"}, {"e", "ask"}, {"h", "ask"}, {"pe", "ask"}, {"ph", "ask"}}));
}

TEST(EdgeOnly, AnswersAsSoonAsTheModelHas) {
  EXPECT_EQ(table_of("edge-only"), (Table{{"-", "predict 0"},
                                          {"p", "answer 0"},
                                          {"e", "predict 0"},
                                          {"h", "predict 0"},
                                          {"pe", "answer 0"},
                                          {"ph", "answer 0"}}));
}

TEST(InferThenMine, LetsTheFilterJudgeWhatTheModelSaidAndAsksTheCloudWhatIsHard) {
  EXPECT_EQ(table_of("infer-then-mine"), (Table{{"-", "predict 0"},
                                                {"p", "judge 0"},
                                                {"e", "predict 0"},
                                                {"h", "predict 0"},
                                                {"pe", "answer 0"},
                                                {"ph", "ask"}}));
}

TEST(MineThenInfer, LetsTheFilterJudgeFirstAndSparesTheModelWhatIsHard) {
  EXPECT_EQ(table_of("mine-then-infer"), (Table{{"-", "judge 0"},
                                                {"p", "judge 0"},
                                                {"e", "predict 0"},
                                                {"h", "ask"},
                                                {"pe", "answer 0"},
                                                {"ph", "ask"}}));
}

TEST(Cascade, OfOneStageIsInferThenMine) {
  EXPECT_EQ(table_of("cascade"), table_of("infer-then-mine"));
}

TEST(Cascade, GoesOnToTheNextStageWhereOneFindsItHardAndToTheCloudAfterTheLast) {
  Strategy cascade("cascade");
  EXPECT_EQ(cascade.next({"ph", "-"}), "predict 1");
  EXPECT_EQ(cascade.next({"ph", "p"}), "judge 1");
  EXPECT_EQ(cascade.next({"ph", "e"}), "predict 1");
  EXPECT_EQ(cascade.next({"ph", "h"}), "predict 1");
  EXPECT_EQ(cascade.next({"ph", "pe"}), "answer 1");
  EXPECT_EQ(cascade.next({"ph", "ph"}), "ask");
  EXPECT_EQ(cascade.next({"ph", "ph", "-"}), "predict 2");
  EXPECT_EQ(cascade.next({"ph", "ph", "pe"}), "answer 2");
  EXPECT_EQ(cascade.next({"ph", "ph", "ph"}), "ask");
}

TEST(Cascade, LooksAtNoStageAfterTheFirstThatDoesNotFindItHard) {
  Strategy cascade("cascade");
  for (const auto& [known, step] : cascade.table()) {
    if (known == "ph") continue;
    for (const std::string& later : kKnown) {
      EXPECT_EQ(cascade.next({known, later}), step) << known << ", " << later;
    }
  }
}

TEST(Strategies, OfOneModelLookAtTheFirstStageAlone) {
  for (const std::string& name : kAll) {
    if (name == "cascade") continue;
    Strategy strategy(name);
    for (const auto& [known, step] : strategy.table()) {
      for (const std::string& later : kKnown) {
        EXPECT_EQ(strategy.next({known, later}), step) << name << ": " << known << ", " << later;
      }
    }
  }
}

TEST(Strategies, LookNeitherAtTheTimeThatIsLeftNorAtTheScore) {
  for (const std::string& name : kAll) {
    Strategy strategy(name);
    for (const auto& [known, step] : strategy.table()) {
      for (const std::uint64_t remaining_us : {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX}) {
        for (const double score : {-1e300, 0.0, 1.0, 1e300})
          EXPECT_EQ(strategy.next({known}, remaining_us, score), step) << name << ": " << known;
      }
    }
  }
}
