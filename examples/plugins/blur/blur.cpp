// Focus by the variance of the Laplacian (Pech-Pacheco et al., 2000): a sharp picture has strong
// edges, so that its second derivative varies much; a blurred one has not.
#include <skerry/sampling.hpp>

#include <opencv2/imgproc.hpp>

class Blur : public skerry::Sampling {
 public:
  explicit Blur(const skerry::Config& config)
      : scale_(config.number("scale", 0.01)), threshold_(config.number("threshold", 0.5)) {
    if (!(scale_ > 0)) throw skerry::invalid("scale", "must be above 0");
    cv::setNumThreads(
        1);  // a plugin asks its host before it uses more; one is enough for a picture
  }

  std::uint32_t needs() const override { return SKERRY_NEEDS_FEATURES; }

  skerry::Judgement judge(const skerry::Example& example) override {
    if (example.shape.size() != 3)
      throw skerry::invalid("", "needs pictures of channels, height and width, found " +
                                    skerry::shape_text(example.shape));
    const double variance = laplacian_variance(grey(example));
    const double score = std::isfinite(variance) ? 1 / (1 + variance / scale_) : 1;
    return {score, score >= threshold_};
  }

 private:
  // The mean of the channels. The picture's memory is borrowed: OpenCV must not write to it.
  static cv::Mat grey(const skerry::Example& example) {
    const auto rows = static_cast<int>(example.shape[1]),
               columns = static_cast<int>(example.shape[2]);
    cv::Mat sum = cv::Mat::zeros(rows, columns, CV_32F);
    for (std::int64_t channel = 0; channel < example.shape[0]; ++channel) {
      const float* plane = example.features.data() + channel * rows * columns;
      sum += cv::Mat(rows, columns, CV_32F, const_cast<float*>(plane));
    }
    return sum / static_cast<double>(std::max<std::int64_t>(1, example.shape[0]));
  }

  static double laplacian_variance(const cv::Mat& picture) {
    cv::Mat edges;
    cv::Laplacian(picture, edges, CV_32F);
    cv::Scalar mean, deviation;
    cv::meanStdDev(edges, mean, deviation);
    return deviation[0] * deviation[0];
  }

  const double scale_, threshold_;
};

SKERRY_PLUGIN(skerry::feature<Blur>("blur"));
