// Sedna's filter CrossEntropy: hard is where 1 + sum(p ln p) / ln K, of the probabilities of K
// classes, is below a threshold. Despite the name that is no cross entropy, which needs the true
// class, but 1 - the normalised entropy of the answer; the score is that entropy. A class of
// probability 0 adds nothing, and with one class there is no doubt: on both Sedna fails. An answer
// that is none (no class, not a number, a negative one) is as hard as can be.
#include <skerry/sampling.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace {

class CrossEntropy : public skerry::Sampling {
 public:
  explicit CrossEntropy(const skerry::Config& config)
      : threshold_(config.number("threshold", 0.5)) {}

  std::uint32_t needs() const override { return SKERRY_NEEDS_PREDICTIONS; }

  skerry::Judgement judge(const skerry::Example& example) override {
    const double doubt = entropy(example.predictions);
    return {std::clamp(doubt, 0.0, 1.0), 1 - doubt < threshold_};
  }

 private:
  // -sum(p ln p) / ln K; infinite where the answer is none.
  static double entropy(const skerry::Span<const float>& probabilities) {
    constexpr double kNoAnswer = std::numeric_limits<double>::infinity();
    double sum = 0;
    bool likely = false;
    for (const double probability : probabilities) {
      if (!std::isfinite(probability) || probability < 0) return kNoAnswer;
      if (probability == 0) continue;
      sum -= probability * std::log(probability);
      likely = true;
    }
    if (probabilities.size() == 1) return 0;
    return likely ? sum / std::log(static_cast<double>(probabilities.size())) : kNoAnswer;
  }

  const double threshold_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<CrossEntropy>("cross-entropy"));
