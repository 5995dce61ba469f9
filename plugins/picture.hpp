// What plugins that handle pictures share: examples of a service as OpenCV pictures, and back.
// An example is [height, width] or [channels, height, width]: one channel is grey, three are red,
// green and blue, plane after plane. An OpenCV picture is 8-bit grey, or blue, green, red by pixel.
#pragma once

#include <skerry/error.hpp>
#include <skerry/tensor.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

namespace picture {

// Of this process: OpenCV's own threads would outlive a plugin's objects.
inline void use_one_thread() {
  cv::setNumThreads(1);
}

struct Form {
  int channels = 1, height = 0, width = 0;

  cv::Size size() const { return {width, height}; }
  std::size_t elements() const {
    return static_cast<std::size_t>(channels) * static_cast<std::size_t>(height) *
           static_cast<std::size_t>(width);
  }
};

// Throws Error SKERRY_INVALID_ARGUMENT, of the field `input.shape`, where an example of this shape
// is no picture.
inline Form form_of(const std::vector<std::int64_t>& shape) {
  constexpr std::int64_t kMostSide = 32767;  // OpenCV counts pixels with an int
  const bool picture = shape.size() == 2 || (shape.size() == 3 && (shape[0] == 1 || shape[0] == 3));
  if (!picture || !std::all_of(shape.end() - 2, shape.end(),
                               [](std::int64_t side) { return side >= 1 && side <= kMostSide; }))
    throw skerry::invalid("input.shape",
                          "pictures have the shape [height, width] or [channels, height, width] "
                          "with 1 or 3 channels and sides of 1 to " +
                              std::to_string(kMostSide) + " pixels; found " +
                              skerry::shape_text(shape));
  return {shape.size() == 3 ? static_cast<int>(shape[0]) : 1, static_cast<int>(*(shape.end() - 2)),
          static_cast<int>(shape.back())};
}

// The nearest grey level; beyond black and white it is one of them, and what is no number is black.
inline std::uint8_t level_of(double value) {
  return value > 0 ? static_cast<std::uint8_t>(std::min(value, 255.0) + 0.5) : 0;
}

// A picture of its own, of the form. Elements of `planes` times `scale` are grey levels.
template <class Element>
cv::Mat from_planes(const Element* planes, const Form& form, double scale) {
  const std::size_t pixels = form.elements() / static_cast<std::size_t>(form.channels);
  cv::Mat result(form.size(), form.channels == 3 ? CV_8UC3 : CV_8UC1);
  auto* out = result.ptr<std::uint8_t>();  // a new picture has no gaps between its rows
  for (std::size_t i = 0; i < pixels; ++i)
    for (int channel = form.channels; channel-- > 0;)
      *out++ = level_of(
          static_cast<double>(planes[static_cast<std::size_t>(channel) * pixels + i]) * scale);
  return result;
}

// An 8-bit picture of 1, 3 or 4 channels with the channels and the size of the form: transparency
// is left out, grey is that of ITU-R BT.601. May share its pixels with `picture`.
inline cv::Mat fitted(const cv::Mat& picture, const Form& form) {
  cv::Mat result = picture;  // each step below makes a new one
  if (picture.channels() == 4) cv::cvtColor(picture, result, cv::COLOR_BGRA2BGR);
  if (result.channels() != form.channels)
    cv::cvtColor(cv::Mat(result), result,
                 form.channels == 1 ? cv::COLOR_BGR2GRAY : cv::COLOR_GRAY2BGR);
  // OpenCV sums up the levels of an area in an int.
  constexpr int kMostSummed = 1 << 22;
  while (result.size().area() / form.size().area() > kMostSummed)
    cv::resize(cv::Mat(result), result,
               {std::max(form.width, result.cols / 2), std::max(form.height, result.rows / 2)}, 0,
               0, cv::INTER_AREA);
  if (result.size() != form.size()) {
    const bool shrinks = form.size().area() < result.size().area();
    cv::resize(cv::Mat(result), result, form.size(), 0, 0,
               shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
  }
  return result;
}

// Writes `scale` times the levels of fitted(picture, form), which Element must be able to hold.
template <class Element>
void to_planes(const cv::Mat& picture, const Form& form, double scale, Element* planes) {
  std::array<Element, 256> values;
  for (std::size_t level = 0; level < values.size(); ++level)
    values[level] = static_cast<Element>(static_cast<double>(level) * scale);
  const cv::Mat fitting = fitted(picture, form);
  for (int channel = form.channels; channel-- > 0;) {
    for (int y = 0; y < form.height; ++y) {
      const std::uint8_t* pixel = fitting.ptr<std::uint8_t>(y) + channel;
      for (int x = 0; x < form.width; ++x, pixel += form.channels) *planes++ = values[*pixel];
    }
  }
}

}  // namespace picture
