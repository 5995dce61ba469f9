// Focus by the variance of the Laplacian (Pech-Pacheco et al., 2000): a sharp picture has strong
// edges, so that its second derivative varies much; a blurred one has not. With v the variance, of
// the grey picture in 0..255, and t the threshold:
//
//   score = t / (t + v)    hard: v < t
//
// The score falls strictly with v: 1 without any edge, 1/2 at the threshold, towards 0 for sharp
// ones.
#include <opencv2/imgproc.hpp>

#include "../frame.hpp"

namespace {

class Blur : public skerry::Sampling {
 public:
  explicit Blur(const skerry::Config& config)
      : frames_(config),
        threshold_(config.number("threshold", 100)),
        width_(config.integer("width", 640)) {
    if (!(threshold_ > 0)) throw skerry::invalid("threshold", "must be above 0");
    if (width_ < 1) throw skerry::invalid("width", "must be at least 1");
  }

  std::uint32_t needs() const override { return SKERRY_NEEDS_FEATURES; }

  skerry::Judgement judge(const skerry::Example& example) override {
    const double variance = laplacian_variance(shrunk(frames_.grey(example)));
    return {threshold_ / (threshold_ + variance), variance < threshold_};
  }

 private:
  // Bounds what a picture costs, and makes those of cameras of many sizes comparable.
  cv::Mat shrunk(const cv::Mat& picture) const {
    if (picture.cols <= width_) return picture;
    const auto width = static_cast<int>(width_);
    const int height =
        std::max(1, cvRound(static_cast<double>(picture.rows) * width / picture.cols));
    cv::Mat result;
    cv::resize(picture, result, {width, height}, 0, 0, cv::INTER_AREA);
    return result;
  }

  static double laplacian_variance(const cv::Mat& picture) {
    cv::Mat edges;
    cv::Laplacian(picture, edges, CV_16S);
    cv::Scalar mean, deviation;
    cv::meanStdDev(edges, mean, deviation);
    return deviation[0] * deviation[0];
  }

  const frames::Reader frames_;
  const double threshold_;
  const std::int64_t width_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Blur>("blur"));
