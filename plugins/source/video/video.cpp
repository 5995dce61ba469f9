// Frames of a camera, a stream or a file, as a service's examples: scaled to its size, as uint8
// levels, grey or planes of red, green and blue.
#include <skerry/source.hpp>

#include <algorithm>
#include <memory>

#include "../../picture.hpp"
#include "live.hpp"
#include "recording.hpp"

namespace {

constexpr std::chrono::microseconds kLongestWait = std::chrono::hours(1);

std::uint64_t at_least_one(const skerry::Config& config, const char* key, std::int64_t fallback) {
  const std::int64_t value = config.integer(key, fallback);
  if (value < 1) throw skerry::invalid(key, "must be at least 1, found " + std::to_string(value));
  return static_cast<std::uint64_t>(value);
}

class Video : public skerry::Source {
 public:
  Video(const skerry::Config& config, skerry::Host& host)
      : host_(host),
        address_(video::address_of(config.string("uri"))),
        settings_{at_least_one(config, "every", 1), config.boolean("loop", false),
                  config.boolean("realTime", false)},
        left_(at_least_one(config, "limit", INT64_MAX)) {
    picture::use_one_thread();
  }

  void open(const skerry::ServiceForm& form) override {
    form_ = picture::form_of(form.shape);
    video::check_place(address_);
    levels_.resize(form_.elements());
    item_.tensor = skerry::TensorView(levels_.data(), skerry::dtype_of<std::uint8_t>(), form.shape);
    if (address_.place == video::Place::file)
      frames_ = std::make_unique<video::Recording>(address_, settings_, host_);
    else
      frames_ = std::make_unique<video::Live>(address_, settings_.every, host_);
  }

  const skerry::Item* next(std::chrono::microseconds timeout) override {
    if (ended()) return nullptr;
    const auto wait = std::clamp(timeout, std::chrono::microseconds(0), kLongestWait);
    const video::Frame* frame = frames_->next(video::Clock::now() + wait);
    if (frame == nullptr) return nullptr;
    picture::to_planes(frame->picture, form_, 1, levels_.data());
    item_.number = frame->number;
    item_.seconds = frame->seconds;
    // No camera is read for nobody. To wait for the end of a read here would take seconds.
    if (--left_ == 0) frames_->stop();
    return &item_;
  }

  bool ended() const override { return left_ == 0 || frames_ == nullptr || frames_->ended(); }

 private:
  const skerry::Host& host_;
  const video::Address address_;
  const video::Recording::Settings settings_;
  std::uint64_t left_;  // frames that may still be given
  picture::Form form_;
  std::vector<std::uint8_t> levels_;
  skerry::Item item_;
  std::unique_ptr<video::Frames> frames_;  // from open() on
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Video>("video"));
