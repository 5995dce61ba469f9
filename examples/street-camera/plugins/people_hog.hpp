// estimator `people-hog`: OpenCV's people detector, which looks everywhere and takes its time.
#pragma once

#include <cmath>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>
#include <vector>

#include "detector.hpp"

namespace street {

class PeopleHog : public Detector {
 public:
  explicit PeopleHog(const skerry::Config& config)
      : Detector(config),
        zoom_(number(config, "zoom", 1.5, 0.25, 4)),
        scale_(number(config, "scale", 1.05, 1.01, 2)),
        largest_(number(config, "largest", 0.3, 0, 1)),
        least_(number(config, "least", 0.6, 0, 1)) {
    hog_.setSVMDetector(cv::HOGDescriptor::getDefaultPeopleDetector());
  }

 private:
  std::vector<Box> detect(const cv::Mat& picture) override {
    cv::Mat zoomed;
    cv::resize(picture, zoomed, {}, zoom_, zoom_, cv::INTER_LINEAR);
    hog_.nlevels = levels(zoomed.rows);
    std::vector<cv::Rect> windows;
    std::vector<double> distances;
    hog_.detectMultiScale(zoomed, windows, distances, 0, {8, 8}, {}, scale_, 2);
    std::vector<Box> boxes;
    for (std::size_t i = 0; i < windows.size(); ++i)
      if (const float score = score_of(distances[i]); score >= static_cast<float>(least_))
        boxes.push_back({person_in(windows[i]), score});
    return boxes;
  }

  // Sizes from that of the window on, up to the largest people.
  int levels(int height) const {
    const double largest = largest_ * height / (kPerson * hog_.winSize.height);
    return largest > 1 ? 1 + static_cast<int>(std::log(largest) / std::log(scale_)) : 1;
  }

  // One half at a distance of 1: below it there are more windows without people than with them.
  static float score_of(double distance) {
    return static_cast<float>(1 / (1 + std::exp(2 * (1 - distance))));
  }

  // The window has a margin around the person.
  cv::Rect2f person_in(const cv::Rect& window) const {
    const auto pixel = static_cast<float>(1 / zoom_);
    const auto width = static_cast<float>(window.width) * pixel,
               height = static_cast<float>(window.height) * pixel;
    return {static_cast<float>(window.x) * pixel + 0.24F * width,
            static_cast<float>(window.y) * pixel + 0.145F * height, 0.52F * width, 0.7F * height};
  }

  static constexpr double kPerson = 0.7;  // of a window's height

  const double zoom_, scale_, largest_, least_;
  cv::HOGDescriptor hog_;
};

}  // namespace street
