// Exposure: pictures that are too dark, too bright, or clipped to black and white. With m the mean
// grey (0..255) and s the share of clipped pixels, at most 2 or at least 253, the score is how far
// the worst of the three is beyond its limit, as a part of how far it can be:
//
//   score = max(0, (dark - m) / dark, (m - bright) / (255 - bright), (s - clipped) / (1 - clipped))
//
// It is 0 within the limits, grows in proportion to the distance, is 1 for black and for white, and
// above 0 exactly where the example is hard.
#include "../frame.hpp"

namespace {

class Brightness : public skerry::Sampling {
 public:
  explicit Brightness(const skerry::Config& config)
      : frames_(config),
        dark_(config.number("dark", 40)),
        bright_(config.number("bright", 220)),
        clipped_(config.number("clipped", 0.5)) {
    if (dark_ > bright_)
      throw skerry::invalid("dark", "is above `bright`: every picture would be hard");
  }

  std::uint32_t needs() const override { return SKERRY_NEEDS_FEATURES; }

  skerry::Judgement judge(const skerry::Example& example) override {
    const cv::Mat picture = frames_.grey(example);
    // Not cv::mean(), which multiplies by 1 / n: a mean at a limit would be beyond it by rounding.
    const double mean = cv::sum(picture)[0] / static_cast<double>(picture.total());
    const double score =
        std::max({excess(dark_ - mean, dark_), excess(mean - bright_, 255 - bright_),
                  excess(clipped_share(picture) - clipped_, 1 - clipped_)});
    return {score, score > 0};
  }

 private:
  // A limit that nothing can be beyond has a `most` of 0, and a distance that is never above 0.
  static double excess(double distance, double most) { return distance > 0 ? distance / most : 0; }

  // Sensors and codecs seldom reach 0 and 255 themselves.
  static double clipped_share(const cv::Mat& picture) {
    const int black = cv::countNonZero(picture <= 2), white = cv::countNonZero(picture >= 253);
    return static_cast<double>(black + white) / static_cast<double>(picture.total());
  }

  const frames::Reader frames_;
  const double dark_, bright_, clipped_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Brightness>("brightness"));
