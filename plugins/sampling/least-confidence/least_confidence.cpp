// Least confidence (Lewis, Gale, 1994): the score is 1 - p, where p is the probability of the most
// likely class. An answer that is none (no class, not a number) is as hard as can be; with one
// class, of probability 1, there is no doubt.
#include <skerry/sampling.hpp>

#include <algorithm>
#include <cmath>

namespace {

class LeastConfidence : public skerry::Sampling {
 public:
  explicit LeastConfidence(const skerry::Config& config)
      : threshold_(config.number("threshold", 0.5)) {}

  std::uint32_t needs() const override { return SKERRY_NEEDS_PREDICTIONS; }

  skerry::Judgement judge(const skerry::Example& example) override {
    const double score = std::clamp(1 - confidence(example.predictions), 0.0, 1.0);
    return {score, score >= threshold_};
  }

 private:
  static double confidence(const skerry::Span<const float>& probabilities) {
    double most = 0;
    for (const double probability : probabilities) {
      if (!std::isfinite(probability)) return 0;
      most = std::max(most, probability);
    }
    return most;
  }

  const double threshold_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<LeastConfidence>("least-confidence"));
