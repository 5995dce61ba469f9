// A video file.
#pragma once

#include <skerry/host.hpp>

#include <optional>

#include "capture.hpp"
#include "frames.hpp"

namespace video {

class Recording : public Frames {
 public:
  struct Settings {
    std::uint64_t every = 1;
    bool loop = false;
    bool real_time = false;
  };

  // Throws Error SKERRY_INVALID_ARGUMENT where the file holds no video.
  Recording(Address address, const Settings& settings, const skerry::Host& host);

  const Frame* next(Clock::time_point until) override;
  bool ended() const override { return ended_; }
  void stop() override { capture_.close(); }

 private:
  bool advance(Clock::time_point until);
  void stamp();
  void end_pass();
  double frame_time() const;

  const Address address_;
  const Settings settings_;
  const skerry::Host& host_;
  std::optional<Clock::time_point> began_;  // when the first frame was asked for
  Capture capture_;
  Frame frame_;
  bool ready_ = false;    // frame_ is to be given
  bool decoded_ = false;  // a frame, at least
  bool ended_ = false;
  bool said_short_ = false;
  std::uint64_t grabbed_ = 0;  // frames so far
  std::uint64_t in_pass_ = 0;  // of them since the file began, or began anew
  double start_ = 0;           // where the file's own time began in this pass
  double pass_ = 0;            // when this pass began
  double now_ = 0;             // of the frame grabbed last
};

}  // namespace video
