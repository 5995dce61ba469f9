// OpenCV's reader of videos, with its ways of failing made one.
#pragma once

#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>

#include "address.hpp"

namespace video {

class Capture {
 public:
  // False where it cannot be read. Takes 5 s at most for a stream, but for the look-up of its
  // server's name.
  bool open(const Address& address);
  void close() { capture_.release(); }

  // Goes to the next frame. False: there is none, or none came within 5 s (of a camera 10 s).
  bool grab();
  // That frame; false where it cannot be decoded.
  bool picture(cv::Mat& out);

  double position() const;  // media time of that frame in seconds; what it counts from may be odd
  double rate() const;      // frames a second, as the file says; 0 when not known
  double frames() const;    // in the file, as it says; 0 when not known

 private:
  double property(int which) const;

  cv::VideoCapture capture_;
};

}  // namespace video
