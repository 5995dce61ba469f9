// What the filters that look at pictures share: an example's features as a grey OpenCV picture.
#pragma once

#include <skerry/sampling.hpp>

#include <algorithm>
#include <opencv2/core.hpp>

#include "../picture.hpp"

namespace frames {

// Features are float32 [height, width] or [channels, height, width]: one channel is grey, three are
// red, green and blue, as the image datasets give them. `range` of the configuration is the value
// of white; black is 0.
class Reader {
 public:
  explicit Reader(const skerry::Config& config) {
    const double white = config.number("range", 1);
    if (!(white > 0))
      throw skerry::invalid("range", "must be above 0, found " + std::to_string(white));
    scale_ = 255 / white;
    picture::use_one_thread();
  }

  // 8 bits a pixel, because limits in grey levels are those of 8-bit pictures. Grey is
  // 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601), as in cv::cvtColor. What is outside of
  // black to white counts as the nearer of them, what is no number as black. Throws Error
  // SKERRY_INVALID_ARGUMENT where the features are no picture. The result borrows nothing.
  cv::Mat grey(const skerry::Example& example) const {
    check(example.shape);
    const auto* size = example.shape.data() + example.shape.size() - 2;
    const bool colour = example.shape.size() == 3 && example.shape[0] == 3;
    cv::Mat picture(static_cast<int>(size[0]), static_cast<int>(size[1]), CV_8UC1);
    const std::size_t pixels = picture.total();
    const float* values = example.features.data();
    auto* out = picture.ptr<std::uint8_t>();  // a new picture has no gaps between its rows
    for (std::size_t i = 0; i < pixels; ++i)
      out[i] = level(colour ? 0.299 * values[i] + 0.587 * values[pixels + i] +
                                  0.114 * values[2 * pixels + i]
                            : values[i]);
    return picture;
  }

 private:
  std::uint8_t level(double value) const {
    const double scaled = scale_ * value;
    // No number is not above 0 either.
    return scaled > 0 ? static_cast<std::uint8_t>(std::min(scaled, 255.0) + 0.5) : 0;
  }

  static void check(const std::vector<std::int64_t>& shape) {
    // The number of pixels has to fit what OpenCV counts with, an int.
    constexpr std::int64_t kMostSide = 32767;
    const bool picture =
        shape.size() == 2 || (shape.size() == 3 && (shape[0] == 1 || shape[0] == 3));
    if (picture && std::all_of(shape.end() - 2, shape.end(),
                               [](std::int64_t side) { return side >= 1 && side <= kMostSide; }))
      return;
    throw skerry::invalid("",
                          "this filter looks at pictures, features of shape [height, width] or "
                          "[channels, height, width] with 1 or 3 channels and sides of 1 to " +
                              std::to_string(kMostSide) + " pixels; found " +
                              skerry::shape_text(shape));
  }

  double scale_ = 255;  // of features to grey levels
};

}  // namespace frames
