#include <skerry/sampling.hpp>

#include <algorithm>
#include <cmath>

class @CLASS@ : public skerry::Sampling {
 public:
  explicit @CLASS@(const skerry::Config& config) : threshold_(config.number("threshold", 0.5)) {}

  // SKERRY_NEEDS_FEATURES for what an example looks like, SKERRY_NEEDS_PREDICTIONS for what the model says of it.
  std::uint32_t needs() const override { return SKERRY_NEEDS_PREDICTIONS; }

  // Examples come one by one, in order. The higher the score, the harder the example.
  skerry::Judgement judge(const skerry::Example& example) override {
    double likely = 0;
    for (const float each : example.predictions) {
      if (!std::isfinite(each)) return {1, true};
      likely = std::max(likely, static_cast<double>(each));
    }
    const double score = std::clamp(1 - likely, 0.0, 1.0);
    return {score, score >= threshold_};
  }

 private:
  const double threshold_;
};

SKERRY_PLUGIN(skerry::feature<@CLASS@>("@NAME@"));
