// The filters that look at a model's answers, and the one that looks at nothing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "sampling_support.hpp"

using sampling_test::Filter;
using sampling_test::Json;
using sampling_test::Judged;
using sampling_test::Rows;

namespace {

// What the filter says of one answer.
Judged judged(const std::string& name, const std::vector<float>& answer,
              const Json& config = Json::object()) {
  return sampling_test::judge(name, name, config, sampling_test::predictions({answer})).at(0);
}
double score(const std::string& name, const std::vector<float>& answer) {
  return judged(name, answer).score;
}
bool hard(const std::string& name, const std::vector<float>& answer,
          const Json& config = Json::object()) {
  return judged(name, answer, config).hard;
}

void expect_as_hard_as_can_be(const std::string& name, const std::vector<float>& answer,
                              const Json& config = Json::object()) {
  EXPECT_EQ(judged(name, answer, config), (Judged{1, true}))
      << name << " of " << Json(answer) << " with " << config;
}

// Filters of answers; "the strictest" calls as few hard as it can.
struct Named {
  std::string name;
  Json strictest;
};
std::vector<Named> filters_of_answers() {
  return {{"margin", {{"threshold", 1}}},
          {"least-confidence", {{"threshold", 1}}},
          {"entropy", {{"threshold", 1}}},
          {"cross-entropy", {{"threshold", 0}}},
          {"threshold", {{"threshold", 0}, {"hardWhenEmpty", false}}},
          {"ibt", {{"thresholdBox", 0}, {"thresholdImage", 0}, {"hardWhenEmpty", false}}}};
}

// Probabilities of five classes, from nearly sure to nearly alike.
Rows made_up_answers(std::size_t count) {
  std::mt19937_64 random(20210401);
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  Rows answers(count, std::vector<float>(5));
  for (std::vector<float>& answer : answers) {
    const double spread = 8 * uniform();
    double sum = 0;
    for (float& each : answer) sum += each = static_cast<float>(std::exp(spread * uniform()));
    for (float& each : answer) each = static_cast<float>(each / sum);
  }
  return answers;
}

Json default_config(const std::string& name) {
  Json config = Json::object();
  const Json manifest = skerry_test::PluginUnderTest(name).manifest();
  for (const auto& [key, property] : manifest["features"][0]["config"]["properties"].items())
    config[key] = property["default"];
  return config;
}

Filter random_filter(const Json& config = Json::object()) {
  return Filter("random-sampling", "random", config);
}
std::vector<Judged> drawn(std::size_t count, const Json& config = Json::object()) {
  return random_filter(config).judge(sampling_test::nothing_of(count));
}

std::size_t hard_ones(const std::vector<Judged>& all) {
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [](const Judged& each) { return each.hard; }));
}

}  // namespace

TEST(Filters, CallAnAnswerThatIsNoNumberAsHardAsCanBe) {
  for (const auto& [name, strictest] : filters_of_answers()) {
    for (const std::vector<float>& answer :
         {std::vector<float>{NAN, 0.75F}, {0.75F, INFINITY}, {-INFINITY, 0.75F}, {NAN}}) {
      expect_as_hard_as_can_be(name, answer);
      expect_as_hard_as_can_be(name, answer, strictest);
    }
  }
}

TEST(Filters, HaveTheDefaultsThatTheirManifestNames) {
  const Rows answers = made_up_answers(200);
  for (const auto& [name, strictest] : filters_of_answers()) {
    const auto found =
        sampling_test::judge(name, name, Json::object(), sampling_test::predictions(answers));
    EXPECT_EQ(found, sampling_test::judge(name, name, default_config(name),
                                          sampling_test::predictions(answers)))
        << name;
    EXPECT_GT(hard_ones(found), 0U) << name;
  }
  EXPECT_EQ(drawn(200), drawn(200, default_config("random-sampling")));
}

TEST(Margin, ScoresTheDistanceOfTheTwoMostLikelyClasses) {
  EXPECT_NEAR(score("margin", {0.1F, 0.7F, 0.2F}), 0.5, 1e-6);
  EXPECT_TRUE(hard("margin", {0.25F, 0.75F})) << "at the threshold";
  EXPECT_FALSE(hard("margin", {0.1F, 0.9F}));
  EXPECT_FALSE(hard("margin", {0.1F, 0.7F, 0.2F}, {{"threshold", 0.6}}));
}

TEST(Margin, IsSureOfOneClassAndOfNothingThatIsNoAnswer) {
  EXPECT_EQ(score("margin", {1}), 0);
  for (const std::vector<float>& none :
       {std::vector<float>{0, 0}, {NAN, 1}, {INFINITY, 0}, {0.5F, 0.5F}})
    expect_as_hard_as_can_be("margin", none);
}

TEST(LeastConfidence, ScoresWhatTheMostLikelyClassLacks) {
  EXPECT_NEAR(score("least-confidence", {0.1F, 0.7F, 0.2F}), 0.3, 1e-6);
  EXPECT_TRUE(hard("least-confidence", {0.25F, 0.5F, 0.25F})) << "at the threshold";
  EXPECT_FALSE(hard("least-confidence", {0.25F, 0.75F}));
  EXPECT_TRUE(hard("least-confidence", {0.25F, 0.75F}, {{"threshold", 0.2}}));
}

TEST(LeastConfidence, IsSureOfOneClassAndOfNothingThatIsNoAnswer) {
  EXPECT_EQ(judged("least-confidence", {1}), (Judged{0, false}));
  expect_as_hard_as_can_be("least-confidence", {});
  expect_as_hard_as_can_be("least-confidence", {0, 0});
}

TEST(Entropy, ScoresHowAlikeTheClassesAre) {
  // 0.25 ln 4 + 0.75 ln(4/3) = 0.562335, of ln 2 = 0.693147
  EXPECT_NEAR(score("entropy", {0.25F, 0.75F}), 0.811278, 1e-6);
  EXPECT_NEAR(score("entropy", {0.25F, 0.25F, 0.25F, 0.25F}), 1, 1e-12);
  EXPECT_TRUE(hard("entropy", {0.25F, 0.75F}));
  EXPECT_FALSE(hard("entropy", {0.1F, 0.9F})) << "0.468996";
  EXPECT_TRUE(hard("entropy", {0.1F, 0.9F}, {{"threshold", 0.46}}));
}

TEST(Entropy, TakesImpossibleClassesAndOneClass) {
  EXPECT_NEAR(score("entropy", {0.5F, 0, 0.5F}), std::log(2) / std::log(3), 1e-12);
  EXPECT_EQ(judged("entropy", {0, 1, 0}), (Judged{0, false}));
  EXPECT_EQ(judged("entropy", {1}), (Judged{0, false}));
}

TEST(Entropy, IsSureOfNothingThatIsNoAnswer) {
  for (const std::vector<float>& none : {std::vector<float>{}, {0, 0}, {-1, 2, 0.5F}})
    expect_as_hard_as_can_be("entropy", none);
}

TEST(CrossEntropy, CallsHardWhatHasLittleLeftOfOneAfterItsNormalisedEntropy) {
  EXPECT_NEAR(score("cross-entropy", {0.25F, 0.75F}), 0.811278, 1e-6);
  EXPECT_TRUE(hard("cross-entropy", {0.25F, 0.75F})) << "1 - 0.811278 < 0.5";
  EXPECT_FALSE(hard("cross-entropy", {0.25F, 0.75F}, {{"threshold", 0.18}}));
  EXPECT_FALSE(hard("cross-entropy", {0.1F, 0.9F})) << "1 - 0.468996 > 0.5";
  EXPECT_TRUE(hard("cross-entropy", {0.1F, 0.9F}, {{"threshold", 0.54}}));
}

TEST(CrossEntropy, CallsNothingHardAtItsThreshold) {
  // Two of four classes, each of a half: ln 2 / ln 4.
  EXPECT_EQ(judged("cross-entropy", {0.5F, 0, 0.5F, 0}), (Judged{0.5, false}));
  EXPECT_EQ(judged("entropy", {0.5F, 0, 0.5F, 0}), (Judged{0.5, true}));
}

TEST(CrossEntropy, TakesWhatSednaFailsOn) {
  EXPECT_NEAR(score("cross-entropy", {0.5F, 0, 0.5F}), std::log(2) / std::log(3), 1e-12);
  EXPECT_EQ(judged("cross-entropy", {0, 1, 0}), (Judged{0, false}));
  EXPECT_EQ(judged("cross-entropy", {1}), (Judged{0, false}));
  for (const std::vector<float>& none : {std::vector<float>{}, {0, 0}, {-1, 2, 0.5F}})
    expect_as_hard_as_can_be("cross-entropy", none, {{"threshold", 0}});
}

TEST(CrossEntropy, RanksAsEntropyDoes) {
  const auto answers = sampling_test::predictions(made_up_answers(500));
  const auto theirs = sampling_test::judge("entropy", "entropy", Json::object(), answers);
  const auto ours = sampling_test::judge("cross-entropy", "cross-entropy", Json::object(), answers);
  for (std::size_t row = 0; row < theirs.size(); ++row)
    EXPECT_EQ(ours[row].score, theirs[row].score) << "row " << row;
  EXPECT_GT(hard_ones(ours), 0U);
  EXPECT_LT(hard_ones(ours), ours.size());
}

TEST(Threshold, CallsHardWhatHasALowMean) {
  EXPECT_EQ(judged("threshold", {0.25F, 0.5F}), (Judged{0.625, true}));
  EXPECT_EQ(judged("threshold", {0.25F, 0.75F}), (Judged{0.5, false})) << "at the threshold";
  EXPECT_EQ(judged("threshold", {0.75F}), (Judged{0.25, false}));
  EXPECT_FALSE(hard("threshold", {0.25F, 0.5F}, {{"threshold", 0.3}}));
  EXPECT_TRUE(hard("threshold", {1, 0.75F, 0.5F}, {{"threshold", 0.8}}));
}

TEST(Threshold, CallsHardThatInWhichNothingWasFoundUnlessToldOtherwise) {
  EXPECT_EQ(judged("threshold", {}), (Judged{1, true}));
  EXPECT_EQ(judged("threshold", {}, {{"hardWhenEmpty", false}}), (Judged{0, false}));
}

TEST(Threshold, KeepsItsScoreFromZeroToOneWhateverThePredictions) {
  EXPECT_EQ(judged("threshold", {3e38F, 3e38F}), (Judged{0, false}));
  EXPECT_EQ(judged("threshold", {-3e38F, -3e38F}), (Judged{1, true}));
}

TEST(ImageBoxThreshold, CallsHardAnImageWithALargeShareOfDoubtfulBoxes) {
  EXPECT_EQ(judged("ibt", {0.25F, 0.5F, 0.75F, 1}), (Judged{0.5, true})) << "at both thresholds";
  EXPECT_EQ(judged("ibt", {0.25F, 0.625F, 0.75F, 1}), (Judged{0.25, false}));
  EXPECT_TRUE(hard("ibt", {0.25F, 0.625F, 0.75F, 1}, {{"thresholdImage", 0.75}}));
  EXPECT_TRUE(hard("ibt", {0.25F, 0.625F, 0.75F, 1}, {{"thresholdBox", 0.7}}));
}

TEST(ImageBoxThreshold, FindsATenthOfTheBoxesWithNineTenthsTwice) {
  const Json config = {{"thresholdBox", 0.9}, {"thresholdImage", 0.9}};
  std::vector<float> boxes(10, 0.95F);
  EXPECT_EQ(judged("ibt", boxes, config), (Judged{0, false}));
  boxes[3] = 0.8F;
  EXPECT_EQ(judged("ibt", boxes, config), (Judged{0.1, true}));
  boxes.push_back(0.95F);
  EXPECT_FALSE(hard("ibt", boxes, config)) << "one of eleven";
}

TEST(ImageBoxThreshold, CallsHardAnImageWithoutBoxesUnlessToldOtherwise) {
  EXPECT_EQ(judged("ibt", {}), (Judged{1, true}));
  EXPECT_EQ(judged("ibt", {}, {{"hardWhenEmpty", false}}), (Judged{0, false}));
}

TEST(RandomSampling, NeedsNothingAndLooksAtNothing) {
  EXPECT_EQ(random_filter().needs(), 0U);
  EXPECT_EQ(random_filter().judge(sampling_test::predictions(made_up_answers(50))), drawn(50));
}

// The first numbers of splitmix64 from 0, as its authors' program prints them.
TEST(RandomSampling, DrawsTheSameOnEveryMachine) {
  std::vector<Judged> expected;
  for (const std::uint64_t number :
       {0xE220A8397B1DCDAFU, 0x6E789E6AA1B965F4U, 0x06C45D188009454FU}) {
    const double uniform = static_cast<double>(number >> 11) * 0x1p-53;
    expected.push_back({1 - uniform, uniform < 0.3});
  }
  EXPECT_EQ(drawn(3), expected);
  EXPECT_TRUE(expected[2].hard) << "0.026";
}

TEST(RandomSampling, GoesOnWhereItWasAndDrawsOtherExamplesForAnotherSeed) {
  Filter filter = random_filter({{"seed", 5}});
  std::vector<Judged> in_parts = filter.judge(sampling_test::nothing_of(10));
  for (const Judged& each : filter.judge(sampling_test::nothing_of(90))) in_parts.push_back(each);
  EXPECT_EQ(in_parts, drawn(100, {{"seed", 5}}));
  EXPECT_NE(in_parts, drawn(100, {{"seed", 6}}));
}

TEST(RandomSampling, CallsTheRatioOfAllExamplesHard) {
  // Five standard deviations, of sqrt(n p (1 - p)), are 229 and 150.
  EXPECT_NEAR(static_cast<double>(hard_ones(drawn(10'000))), 3'000, 229);
  EXPECT_NEAR(static_cast<double>(hard_ones(drawn(10'000, {{"ratio", 0.1}, {"seed", 9}}))), 1'000,
              150);
  EXPECT_EQ(hard_ones(drawn(1'000, {{"ratio", 0}})), 0U);
  EXPECT_EQ(hard_ones(drawn(1'000, {{"ratio", 1}})), 1'000U);
}

TEST(RandomSampling, KeepsAtAHigherRatioWhatWasHardAtALowerOne) {
  const auto fewer = drawn(1'000, {{"ratio", 0.2}});
  const auto more = drawn(1'000, {{"ratio", 0.3}});
  for (std::size_t row = 0; row < fewer.size(); ++row) {
    EXPECT_EQ(fewer[row].score, more[row].score) << "row " << row;
    EXPECT_LE(fewer[row].hard, more[row].hard) << "row " << row;
  }
  EXPECT_LT(hard_ones(fewer), hard_ones(more));
}
