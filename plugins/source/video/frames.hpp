// What a file and a live source have in common.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <opencv2/core.hpp>

namespace video {

using Clock = std::chrono::steady_clock;

struct Frame {
  std::uint64_t number = 0;  // from 0 on, counting those that are passed over
  double seconds = std::numeric_limits<double>::quiet_NaN();  // from the beginning on
  cv::Mat picture;                                            // 8-bit, blue, green, red
};

class Frames {
 public:
  virtual ~Frames() = default;

  // The next frame, valid until the next call; null where none came until then.
  virtual const Frame* next(Clock::time_point until) = 0;
  // After next() gave null: will there never be another?
  virtual bool ended() const = 0;
  // No more frames are wanted. Does not wait; next() is not called again.
  virtual void stop() = 0;
};

}  // namespace video
