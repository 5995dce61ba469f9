// Entropy sampling (Shannon, 1948; Dagan, Engelson, 1995): the score is -sum(p ln p) / ln K, of the
// probabilities of K classes, which is 1 where all are alike. A class of probability 0 adds
// nothing, and with one class there is no doubt. An answer that is none (no class, not a number, a
// negative one) is as hard as can be.
#include <skerry/sampling.hpp>

#include <algorithm>
#include <cmath>

namespace {

class Entropy : public skerry::Sampling {
 public:
  explicit Entropy(const skerry::Config& config) : threshold_(config.number("threshold", 0.5)) {}

  std::uint32_t needs() const override { return SKERRY_NEEDS_PREDICTIONS; }

  skerry::Judgement judge(const skerry::Example& example) override {
    const double score = std::clamp(entropy(example.predictions), 0.0, 1.0);
    return {score, score >= threshold_};
  }

 private:
  static double entropy(const skerry::Span<const float>& probabilities) {
    double sum = 0;
    bool likely = false;
    for (const double probability : probabilities) {
      if (!std::isfinite(probability) || probability < 0) return 1;
      if (probability == 0) continue;
      sum -= probability * std::log(probability);
      likely = true;
    }
    if (probabilities.size() == 1) return 0;
    return likely ? sum / std::log(static_cast<double>(probabilities.size())) : 1;
  }

  const double threshold_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Entropy>("entropy"));
