// sampling/1: made-up examples to judge.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/conformance/subject.hpp"
#include "core/runtime/tensor_types.hpp"

namespace skerry::conformance {
namespace {

constexpr std::uint32_t kAllNeeds = SKERRY_NEEDS_FEATURES | SKERRY_NEEDS_PREDICTIONS;

// Images of 3 x 24 x 24 and a model's answers about them.
struct Examples {
  std::vector<float> features, predictions;
  std::vector<std::int64_t> shape, answers;

  Examples(std::mt19937_64& random, std::size_t rows, std::size_t classes) {
    constexpr std::size_t kPixels = 3 * 24 * 24;
    shape = {static_cast<std::int64_t>(rows), 3, 24, 24};
    answers = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(classes)};
    std::uniform_real_distribution<float> uniform;
    features.resize(rows * kPixels);
    for (float& each : features) each = uniform(random);
    for (std::size_t row = 0; row < rows; ++row) {
      std::vector<float> weights(classes);
      float sum = 0;
      for (float& each : weights) sum += each = std::exp(4 * uniform(random));
      for (const float each : weights) predictions.push_back(each / sum);
    }
  }
  std::size_t rows() const { return static_cast<std::size_t>(shape[0]); }
};

struct Judgements {
  std::vector<double> scores;
  std::vector<std::uint8_t> hard;
  bool operator==(const Judgements& other) const {
    return same_bits(scores, other.scores) && hard == other.hard;
  }
};

class Filter {
 public:
  explicit Filter(Subject& subject) : subject_(subject), instance_(subject.create()) {
    expect_ok(subject_.call(*instance_, &skerry_sampling_v1::needs, "needs", &needs_), "needs");
    expect((needs_ & ~kAllNeeds) == 0,
           "needs() says " + std::to_string(needs_) +
               ", of which only SKERRY_NEEDS_FEATURES and SKERRY_NEEDS_PREDICTIONS are known");
  }
  std::uint32_t needs() const { return needs_; }

  // Rows first..first+rows; `given`: which of both tensors.
  Status judge(const Examples& all, std::size_t first, std::size_t rows, std::uint32_t given,
               Judgements& found) {
    std::vector<std::int64_t> shape = all.shape, answers = all.answers;
    shape[0] = answers[0] = static_cast<std::int64_t>(rows);
    skerry_examples examples{};
    examples.struct_size = sizeof examples;
    examples.rows = rows;
    if ((given & SKERRY_NEEDS_FEATURES) != 0)
      examples.features =
          runtime::view_of(all.features.data() + first * width(all.features, all), shape);
    if ((given & SKERRY_NEEDS_PREDICTIONS) != 0)
      examples.predictions =
          runtime::view_of(all.predictions.data() + first * width(all.predictions, all), answers);
    Fenced<double> scores(rows);
    Fenced<std::uint8_t> hard(rows);
    const Status status =
        subject_.call(*instance_, &skerry_sampling_v1::judge, "judge",
                      static_cast<const skerry_examples*>(&examples), scores.data(), hard.data());
    expect(scores.whole() && hard.whole(), "judge() writes beside the rows that it is given");
    const auto add = [](auto& to, const auto& values) {
      to.insert(to.end(), values.begin(), values.end());
    };
    add(found.scores, scores.values());
    add(found.hard, hard.values());
    return status;
  }

 private:
  static std::size_t width(const std::vector<float>& values, const Examples& all) {
    return all.rows() == 0 ? 0 : values.size() / all.rows();
  }

  Subject& subject_;
  std::unique_ptr<runtime::Instance> instance_;
  std::uint32_t needs_ = 0;
};

void expect_sound(const Judgements& judgements) {
  for (std::size_t row = 0; row < judgements.scores.size(); ++row) {
    expect(std::isfinite(judgements.scores[row]),
           "the score of row " + std::to_string(row) + " is not finite");
    expect(judgements.hard[row] <= 1, "`hard` of row " + std::to_string(row) + " is " +
                                          std::to_string(judgements.hard[row]) +
                                          "; it must be 0 or 1");
  }
}

void judges(Subject& subject) {
  Filter filter(subject);
  for (const std::size_t classes : {2u, 10u}) {
    const Examples examples(subject.random(), 20, classes);
    Judgements found;
    expect_ok(filter.judge(examples, 0, 20, kAllNeeds, found), "judge");
    expect_sound(found);
  }
  Judgements none;
  expect_ok(filter.judge(Examples(subject.random(), 0, 10), 0, 0, kAllNeeds, none),
            "judge, of no rows,");
}

void calls_dont_matter(Subject& subject) {
  const Examples examples(subject.random(), 24, 10);
  Judgements at_once, one_by_one, in_parts;
  Filter a(subject), b(subject), c(subject);
  expect_ok(a.judge(examples, 0, 24, kAllNeeds, at_once), "judge");
  for (std::size_t row = 0; row < 24; ++row)
    expect_ok(b.judge(examples, row, 1, kAllNeeds, one_by_one), "judge");
  expect_ok(c.judge(examples, 0, 7, kAllNeeds, in_parts), "judge");
  expect_ok(c.judge(examples, 7, 17, kAllNeeds, in_parts), "judge");
  expect(at_once == one_by_one && at_once == in_parts,
         "the same examples are judged otherwise when they come in other portions");
}

void needs_suffice(Subject& subject) {
  const Examples examples(subject.random(), 8, 10);
  Filter whole(subject), least(subject);
  Judgements all, some;
  expect_ok(whole.judge(examples, 0, 8, kAllNeeds, all), "judge");
  expect_ok(least.judge(examples, 0, 8, least.needs(), some),
            "judge, given what needs() asks for,");
  expect(all == some,
         "judge() says something else when it is given what needs() asks for and no more; needs() "
         "must name all that it looks at");
  for (const std::uint32_t need : {SKERRY_NEEDS_FEATURES, SKERRY_NEEDS_PREDICTIONS}) {
    if ((least.needs() & need) == 0) continue;
    Judgements without;
    expect(!least.judge(examples, 0, 8, kAllNeeds & ~need, without),
           "judge() says nothing when what needs() asks for is not at hand; refuse it");
  }
}

void odd_answers_survived(Subject& subject) {
  Filter filter(subject);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<std::vector<float>> odd = {
      {1},          {0, 0, 0},      {1, 0, 0},    {kNan, kNan},  {kInfinity, 0},
      {-1, 2, 0.5}, {1e-45F, 0, 1}, {0.5F, 0.5F}, {3e38F, 3e38F}};
  for (const std::vector<float>& answer : odd) {
    Examples examples(subject.random(), 1, answer.size());
    examples.predictions = answer;
    Judgements found;
    Status status;
    subject.survive([&] { return status = filter.judge(examples, 0, 1, kAllNeeds, found); });
    if (status) expect_sound(found);
  }
  Examples dark(subject.random(), 3, 10);
  std::fill(dark.features.begin(), dark.features.end(), 0.0F);
  Judgements found;
  expect_ok(filter.judge(dark, 0, 3, kAllNeeds, found), "judge, of black images,");
  expect_sound(found);
}

}  // namespace

std::vector<Check> sampling_checks() {
  constexpr const char* kKind = "sampling";
  return {
      {"judges", kKind, Level::required, "Each example gets a finite score, and 0 or 1.", judges},
      {"calls-dont-matter", kKind, Level::required,
       "How examples are divided into calls changes nothing.", calls_dont_matter},
      {"needs-suffice", kKind, Level::required,
       "What needs() asks for is enough, and without it judge() refuses.", needs_suffice},
      {"odd-answers-survived", kKind, Level::required,
       "One class, no likely class, NaN, infinity and black images do no harm.",
       odd_answers_survived},
  };
}

}  // namespace skerry::conformance
