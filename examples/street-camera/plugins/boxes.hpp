// Boxes around what was found in a picture, and the form in which answers have them.
#pragma once

#include <skerry/estimator.hpp>

#include <algorithm>
#include <cstddef>
#include <opencv2/core.hpp>
#include <vector>

namespace street {

struct Box {
  cv::Rect2f place;  // in pixels
  float score = 0;   // above 0, to 1
};

constexpr std::size_t kRow = 5;

// Rows of left, top, width, height, as parts of the picture's, and the score: the best boxes first,
// then zeros. Sinks with `draw: boxes` understand it.
inline void write_rows(std::vector<Box> boxes, cv::Size picture, std::size_t rows, float* out) {
  std::sort(boxes.begin(), boxes.end(),
            [](const Box& a, const Box& b) { return a.score > b.score; });
  const auto width = static_cast<float>(picture.width), height = static_cast<float>(picture.height);
  const cv::Rect2f whole(0, 0, width, height);
  std::fill(out, out + rows * kRow, 0.0F);
  for (std::size_t i = 0; i < std::min(rows, boxes.size()); ++i) {
    const cv::Rect2f place = boxes[i].place & whole;
    float* row = out + i * kRow;
    row[0] = place.x / width;
    row[1] = place.y / height;
    row[2] = place.width / width;
    row[3] = place.height / height;
    row[4] = boxes[i].score;
  }
}

// The area of both over that of either.
inline float overlap(const cv::Rect2f& a, const cv::Rect2f& b) {
  const float both = (a & b).area(), either = a.area() + b.area() - both;
  return either > 0 ? both / either : 0;
}

// Of boxes that overlap by more than `most` the best one.
inline std::vector<Box> without_doubles(std::vector<Box> boxes, float most) {
  std::sort(boxes.begin(), boxes.end(),
            [](const Box& a, const Box& b) { return a.score > b.score; });
  std::vector<Box> kept;
  for (const Box& each : boxes)
    if (std::none_of(kept.begin(), kept.end(),
                     [&](const Box& better) { return overlap(better.place, each.place) > most; }))
      kept.push_back(each);
  return kept;
}

}  // namespace street
