// What the detectors share: they are estimators without weights, which answer with boxes.
#pragma once

#include <skerry/estimator.hpp>

#include <cstdint>
#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "boxes.hpp"

namespace street {

class Detector : public skerry::Estimator {
 public:
  void prepare(const skerry::DatasetInfo& info, std::uint64_t) override {
    if (info.label_kind == skerry::LabelKind::classes)
      throw skerry::invalid("input.classes",
                            "this detector answers with boxes, not with classes; leave it out");
    if (info.shape.size() != 3 || info.shape[0] != 3 || !fits(info.shape[1]) ||
        !fits(info.shape[2]))
      throw skerry::invalid("input.shape",
                            "this detector needs pictures of [3, height, width] with sides of " +
                                std::to_string(kLeastSide) + " to " + std::to_string(kMostSide) +
                                " pixels, found " + skerry::shape_text(info.shape));
    size_ = {static_cast<int>(info.shape[2]), static_cast<int>(info.shape[1])};
  }

  std::vector<skerry::NamedTensor> weights() override { return {}; }
  void set_weights(const std::vector<skerry::NamedTensor>&) override {}

  void train(const skerry::Data&, const skerry::TrainParams&, skerry::Metrics&) override {
    throw untrained();
  }
  void evaluate(const skerry::Data&, skerry::Metrics&) override { throw untrained(); }

  skerry::Prediction predict(const skerry::TensorView& features) override {
    if (features.shape().size() != 4 || features.shape()[1] != 3 ||
        features.shape()[2] != size_.height || features.shape()[3] != size_.width)
      throw skerry::invalid("", "this detector was prepared for pictures of " +
                                    std::to_string(size_.width) + " x " +
                                    std::to_string(size_.height) + ", found examples of " +
                                    skerry::shape_text(features.shape()));
    const std::int64_t count = features.shape()[0];
    const std::size_t elements = 3 * pixels(), outputs = rows_ * kRow;
    skerry::Prediction result{{count, static_cast<std::int64_t>(outputs)}, {}};
    result.values.resize(static_cast<std::size_t>(count) * outputs);
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const cv::Mat picture = picture_of(features.data<const float>() + i * elements);
      write_rows(detect(picture), size_, rows_, result.values.data() + i * outputs);
    }
    return result;
  }

 protected:
  explicit Detector(const skerry::Config& config)
      : rows_(static_cast<std::size_t>(whole(config, "boxes", 16, 1, 1000))) {
    cv::setNumThreads(1);  // OpenCV's own threads would outlive the detector
  }

  static std::int64_t whole(const skerry::Config& config, const char* key, std::int64_t fallback,
                            std::int64_t least, std::int64_t most) {
    const std::int64_t value = config.integer(key, fallback);
    if (value < least || value > most)
      throw skerry::invalid(key, "must be " + std::to_string(least) + " to " +
                                     std::to_string(most) + ", found " + std::to_string(value));
    return value;
  }
  static double number(const skerry::Config& config, const char* key, double fallback, double least,
                       double most) {
    const double value = config.number(key, fallback);
    if (!(value >= least && value <= most))
      throw skerry::invalid(key, "must be " + std::to_string(least) + " to " +
                                     std::to_string(most) + ", found " + std::to_string(value));
    return value;
  }

 private:
  // 8-bit blue, green, red, of the size that was prepared for. Pictures come one by one, in order.
  virtual std::vector<Box> detect(const cv::Mat& picture) = 0;

  static constexpr std::int64_t kLeastSide = 128;  // smaller ones have no room for a person
  static constexpr std::int64_t kMostSide = 32767;
  static bool fits(std::int64_t side) { return side >= kLeastSide && side <= kMostSide; }

  static skerry::Error untrained() {
    return skerry::Error(SKERRY_UNSUPPORTED, "",
                         "this detector has nothing to train and knows no labels; it is for "
                         "services that answer, as a JointInferenceService");
  }

  std::size_t pixels() const {
    return static_cast<std::size_t>(size_.height) * static_cast<std::size_t>(size_.width);
  }

  // Red, green and blue planes, of which 1 is white. The planes are borrowed, and only read.
  cv::Mat picture_of(const float* planes) const {
    std::vector<cv::Mat> levels(3);
    for (std::size_t channel = 0; channel < 3; ++channel)
      cv::Mat(size_, CV_32F, const_cast<float*>(planes + channel * pixels()))
          .convertTo(levels[2 - channel], CV_8U, 255);
    cv::Mat picture;
    cv::merge(levels, picture);
    return picture;
  }

  const std::size_t rows_;
  cv::Size size_;
};

}  // namespace street
