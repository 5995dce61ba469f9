// Sedna's filter IBT (image-box-threshold): hard is an image in which the share of boxes whose
// score is at most one threshold reaches 1 - another. So 0.9 and 0.9 say: a tenth of the boxes
// scores 0.9 or less. The score is that share. An image without boxes is never hard for Sedna; here
// that is a setting. A box whose score is not a number makes its image as hard as can be.
#include <skerry/sampling.hpp>

#include <cmath>

namespace {

class ImageBoxThreshold : public skerry::Sampling {
 public:
  explicit ImageBoxThreshold(const skerry::Config& config)
      : threshold_box_(config.number("thresholdBox", 0.5)),
        threshold_image_(config.number("thresholdImage", 0.5)),
        hard_when_empty_(config.boolean("hardWhenEmpty", true)) {}

  std::uint32_t needs() const override { return SKERRY_NEEDS_PREDICTIONS; }

  skerry::Judgement judge(const skerry::Example& example) override {
    if (example.predictions.empty()) return {hard_when_empty_ ? 1.0 : 0.0, hard_when_empty_};
    double doubtful = 0;
    for (const double score : example.predictions) {
      if (!std::isfinite(score)) return {1, true};
      if (score <= threshold_box_) ++doubtful;
    }
    const double share = doubtful / static_cast<double>(example.predictions.size());
    return {share, share >= 1 - threshold_image_};
  }

 private:
  const double threshold_box_;
  const double threshold_image_;
  const bool hard_when_empty_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<ImageBoxThreshold>("ibt"));
