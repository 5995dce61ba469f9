// estimator `motion`: the cheapest look at a picture.
#pragma once

#include <vector>

#include "detector.hpp"
#include "moving.hpp"

namespace street {

class Motion : public Detector {
 public:
  explicit Motion(const skerry::Config& config)
      : Detector(config),
        moving_(static_cast<int>(whole(config, "history", 200, 2, 100'000)),
                number(config, "smallest", 0.07, 0, 1)) {}

 private:
  std::vector<Box> detect(const cv::Mat& picture) override {
    std::vector<Box> boxes;
    for (const cv::Rect2f& region : moving_.regions(picture))
      boxes.push_back({region, one_person(region)});
    return boxes;
  }

  Moving moving_;
};

}  // namespace street
