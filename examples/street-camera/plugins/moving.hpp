// What moves before a camera that stands still.
#pragma once

#include <algorithm>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/background_segm.hpp>
#include <vector>

namespace street {

// Background subtraction on a shrunk picture (MOG2, Zivkovic, 2004). Depends on the pictures
// before: what stands still for `history` of them belongs to the background.
class Moving {
 public:
  // smallest: the least height of a region, as a part of the picture's.
  Moving(int history, double smallest)
      : smallest_(smallest),
        background_(cv::createBackgroundSubtractorMOG2(history, kVariances, true)) {}

  // Around what moves, in pixels of the picture. The first picture, and one of which most is new,
  // is another scene: the background begins anew, and as long as it is not known well all of the
  // picture may have moved.
  std::vector<cv::Rect2f> regions(const cv::Mat& picture) {
    const double zoom = std::min(1.0, kWidth / picture.cols);
    cv::Mat shrunk, mask;
    cv::resize(picture, shrunk, {}, zoom, zoom, cv::INTER_AREA);
    background_->apply(shrunk, mask);
    if (cv::countNonZero(mask) > kNewScene * static_cast<double>(mask.total())) {
      background_->apply(shrunk, mask, 1);
      age_ = 0;
    }
    age_ = std::min(age_ + 1, kYoung + 1);
    if (age_ <= kYoung) return {cv::Rect2f({}, picture.size())};
    cv::threshold(mask, mask, kShadow, 255, cv::THRESH_BINARY);
    return joined(mask, zoom, smallest_ * picture.rows);
  }

 private:
  // Specks go, and what is torn, as legs from a body, is joined. The boxes are those of what moves
  // without the seam that joins.
  static std::vector<cv::Rect2f> joined(cv::Mat& mask, double zoom, double least_height) {
    cv::medianBlur(mask, mask, 3);
    cv::dilate(mask, mask, cv::Mat::ones(2 * kSeam.height + 1, 2 * kSeam.width + 1, CV_8U));
    cv::Mat labels, statistics, centres;
    const int count = cv::connectedComponentsWithStats(mask, labels, statistics, centres);
    const auto pixel = static_cast<float>(1 / zoom);
    std::vector<cv::Rect2f> found;
    for (int i = 1; i < count; ++i) {  // 0 is the background
      const int* each = statistics.ptr<int>(i);
      const cv::Rect box(each[cv::CC_STAT_LEFT] + kSeam.width, each[cv::CC_STAT_TOP] + kSeam.height,
                         each[cv::CC_STAT_WIDTH] - 2 * kSeam.width,
                         each[cv::CC_STAT_HEIGHT] - 2 * kSeam.height);
      const cv::Rect2f place(static_cast<float>(box.x) * pixel, static_cast<float>(box.y) * pixel,
                             static_cast<float>(box.width) * pixel,
                             static_cast<float>(box.height) * pixel);
      if (box.width > 0 && place.height >= static_cast<float>(least_height)) found.push_back(place);
    }
    return found;
  }

  static constexpr double kWidth = 192;     // of the shrunk picture: a person has a dozen pixels
  static constexpr double kVariances = 25;  // a pixel is new so far from all that it was, squared
  static constexpr double kShadow = 200;    // MOG2 marks shadows with 127, what moves with 255
  static constexpr double kNewScene = 0.5;
  static constexpr int kYoung = 8;  // pictures: people in the first ones are part of it until then
  inline static const cv::Size kSeam{1, 2};  // pixels of the shrunk picture, on each side

  const double smallest_;
  const cv::Ptr<cv::BackgroundSubtractorMOG2> background_;
  int age_ = 0;  // of the background, up to kYoung + 1
};

// How much a region has the shape of one person who stands or walks, above 0 to 1. Several people
// side by side are too wide, and so is most of what is no person.
inline float one_person(const cv::Rect2f& region) {
  constexpr float kNone = 0.01F;  // there is a box even so
  const float aspect = region.width / region.height;
  const float rising = (aspect - 0.05F) / 0.15F, falling = (0.7F - aspect) / 0.3F;
  return std::clamp(std::min(rising, falling), kNone, 1.0F);
}

}  // namespace street
