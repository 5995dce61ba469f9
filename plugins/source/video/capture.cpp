#include "capture.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/videoio/registry.hpp>
#include <vector>

namespace video {
namespace {

constexpr int kPatience = 5000;  // milliseconds

bool has_ffmpeg() {
  const auto backends = cv::videoio_registry::getStreamBackends();
  return std::find(backends.begin(), backends.end(), cv::CAP_FFMPEG) != backends.end();
}

// What these libraries write to stderr of each damaged frame and failed connection, the source says
// once. FFmpeg is OpenCV's: this plugin does not link it, and OpenCV may have been built without.
// Where OPENCV_FFMPEG_DEBUG is set, OpenCV sets a callback of its own later.
void quiet() {
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_ERROR);
  using Callback = void (*)(void*, int, const char*, va_list);
  using SetCallback = void (*)(Callback);
  if (const auto set_callback =
          reinterpret_cast<SetCallback>(::dlsym(RTLD_DEFAULT, "av_log_set_callback")))
    set_callback(nullptr);
}

bool open_any(cv::VideoCapture& capture, const Address& address) {
  if (address.place == Place::camera) return capture.open(address.text, cv::CAP_V4L2);
  if (!has_ffmpeg()) return capture.open(address.text, cv::CAP_ANY);
  return capture.open(
      address.text, cv::CAP_FFMPEG,
      {cv::CAP_PROP_OPEN_TIMEOUT_MSEC, kPatience, cv::CAP_PROP_READ_TIMEOUT_MSEC, kPatience});
}

// OpenCV reports most failures by false, and some by an exception.
template <class Try>
bool succeeds(Try&& attempt) {
  try {
    return attempt();
  } catch (const cv::Exception&) {
    return false;
  }
}

}  // namespace

bool Capture::open(const Address& address) {
  quiet();
  return succeeds([&] { return open_any(capture_, address); });
}

bool Capture::grab() {
  return succeeds([&] { return capture_.grab(); });
}

bool Capture::picture(cv::Mat& out) {
  return succeeds([&] { return capture_.retrieve(out) && !out.empty(); });
}

double Capture::position() const {
  return property(cv::CAP_PROP_POS_MSEC) / 1000;
}

double Capture::rate() const {
  return std::max(0.0, property(cv::CAP_PROP_FPS));
}

double Capture::frames() const {
  return std::max(0.0, property(cv::CAP_PROP_FRAME_COUNT));
}

double Capture::property(int which) const {
  const double value = capture_.get(which);
  return std::isfinite(value) ? value : 0;
}

}  // namespace video
