#include "recording.hpp"

#include <algorithm>
#include <cmath>
#include <skerry/error.hpp>
#include <string>
#include <thread>

namespace video {
namespace {

// Passing frames over is work and not waiting: even a caller who cannot wait gets the next frame,
// where so much is enough.
constexpr std::chrono::milliseconds kWork{20};
constexpr double kUsualRate = 25, kLeastRate = 0.01;  // frames a second
constexpr double kLongestStep = 3600;                 // seconds from a frame to the next

}  // namespace

Recording::Recording(Address address, const Settings& settings, const skerry::Host& host)
    : address_(std::move(address)), settings_(settings), host_(host) {
  if (!capture_.open(address_))
    throw skerry::invalid("uri",
                          address_.shown + ": not a video that OpenCV can read, or a damaged one");
  if (!advance(Clock::time_point::max()))
    throw skerry::invalid("uri", address_.shown + ": holds no frame that can be decoded");
}

const Frame* Recording::next(Clock::time_point until) {
  if (!ready_ && !advance(std::max(until, Clock::now() + kWork))) return nullptr;
  if (settings_.real_time) {
    if (!began_) began_ = Clock::now();
    const auto due = *began_ + std::chrono::duration_cast<Clock::duration>(
                                   std::chrono::duration<double>(frame_.seconds));
    std::this_thread::sleep_until(std::min(due, until));
    if (due > Clock::now()) return nullptr;
  }
  ready_ = false;
  return &frame_;
}

// To the next frame that is to be given. False where there is none, or not until then.
bool Recording::advance(Clock::time_point until) {
  do {
    if (!capture_.grab()) {
      end_pass();
      continue;
    }
    stamp();
    frame_.number = grabbed_++;
    if (frame_.number % settings_.every != 0 || !capture_.picture(frame_.picture)) continue;
    frame_.seconds = now_;
    ready_ = decoded_ = true;
    return true;
  } while (!ended_ && Clock::now() < until);
  return false;
}

// Some files have no times, or odd ones: then a frame comes one frame's time after the last.
void Recording::stamp() {
  if (in_pass_++ == 0) {
    start_ = capture_.position();
    now_ = pass_;
    return;
  }
  const double step = pass_ + capture_.position() - start_ - now_;
  now_ += step > 0 && step < kLongestStep ? step : frame_time();
}

double Recording::frame_time() const {
  const double rate = capture_.rate();
  return 1 / (rate >= kLeastRate ? rate : kUsualRate);
}

void Recording::end_pass() {
  const double promised = capture_.frames();
  // Some formats only estimate how many frames they have.
  const double slack = std::max(2.0, 0.05 * promised);
  if (!said_short_ && static_cast<double>(in_pass_) + slack < promised) {
    said_short_ = true;
    host_.warn(address_.shown + ": ends after " + std::to_string(in_pass_) + " of the " +
               std::to_string(std::llround(promised)) +
               " frames that it says it has: it may be damaged");
  }
  ended_ = !settings_.loop || in_pass_ == 0 || !decoded_;
  pass_ = now_ + frame_time();
  in_pass_ = 0;
  capture_.close();
  if (ended_ || capture_.open(address_)) return;
  ended_ = true;
  host_.warn(address_.shown + ": cannot be read again, and does not begin anew");
}

}  // namespace video
