// Margin sampling (Scheffer, Decomain, Wrobel, 2001): the score is 1 - (p1 - p2), where p1 and p2
// are the probabilities of the two most likely classes. An answer that is none (no class, not a
// number) is as hard as can be; with one class there is no doubt.
#include <skerry/sampling.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace {

class Margin : public skerry::Sampling {
 public:
  explicit Margin(const skerry::Config& config) : threshold_(config.number("threshold", 0.5)) {}

  std::uint32_t needs() const override { return SKERRY_NEEDS_PREDICTIONS; }

  skerry::Judgement judge(const skerry::Example& example) override {
    const double score = std::clamp(1 - margin(example.predictions), 0.0, 1.0);
    return {score, score >= threshold_};
  }

 private:
  static double margin(const skerry::Span<const float>& probabilities) {
    double first = 0, second = 0;
    for (const float each : probabilities) {
      if (!std::isfinite(each)) return 0;
      const double probability = each;
      if (probability > first)
        second = std::exchange(first, probability);
      else
        second = std::max(second, probability);
    }
    return first - second;
  }

  const double threshold_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Margin>("margin"));
