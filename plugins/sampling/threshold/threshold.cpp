// Sedna's filter Threshold: hard is where the mean of the scores of what a model found, as of the
// boxes in an image, is below a threshold. The score is 1 - mean. Sedna calls an example in which
// nothing was found never hard, and so misses what a weak model overlooks most; here that is a
// setting. A mean that is no finite number is as hard as can be.
#include <skerry/sampling.hpp>

#include <algorithm>
#include <cmath>

namespace {

class Threshold : public skerry::Sampling {
 public:
  explicit Threshold(const skerry::Config& config)
      : threshold_(config.number("threshold", 0.5)),
        hard_when_empty_(config.boolean("hardWhenEmpty", true)) {}

  std::uint32_t needs() const override { return SKERRY_NEEDS_PREDICTIONS; }

  skerry::Judgement judge(const skerry::Example& example) override {
    if (example.predictions.empty()) return {hard_when_empty_ ? 1.0 : 0.0, hard_when_empty_};
    double mean = 0;
    for (const double score : example.predictions) mean += score;
    mean /= static_cast<double>(example.predictions.size());
    if (!std::isfinite(mean)) return {1, true};
    return {std::clamp(1 - mean, 0.0, 1.0), mean < threshold_};
  }

 private:
  const double threshold_;
  const bool hard_when_empty_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Threshold>("threshold"));
