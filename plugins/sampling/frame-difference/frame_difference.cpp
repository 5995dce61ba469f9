// What changed since an earlier frame of the same camera:
//
//   score = share of the pixels whose grey differs by more than `delta`    hard: score >= `share`
//
// The earlier frame is the previous one, or the last hard one: then slow changes add up until they
// are seen. The first frame has nothing to be compared with, nor has one of another size: it is as
// hard as can be, score 1.
#include <utility>

#include "../frame.hpp"

namespace {

class FrameDifference : public skerry::Sampling {
 public:
  explicit FrameDifference(const skerry::Config& config)
      : frames_(config),
        delta_(config.number("delta", 25)),
        share_(config.number("share", 0.02)),
        keeps_hard_(config.has("reference") &&
                    config.one_of("reference", {"previous", "last-hard"}) == "last-hard") {}

  std::uint32_t needs() const override { return SKERRY_NEEDS_FEATURES; }

  skerry::Judgement judge(const skerry::Example& example) override {
    cv::Mat picture = frames_.grey(example);
    const bool comparable = picture.size() == reference_.size();
    const double score = comparable ? changed_share(picture) : 1;
    const bool hard = !comparable || score >= share_;
    if (hard || !keeps_hard_) reference_ = std::move(picture);
    return {score, hard};
  }

 private:
  double changed_share(const cv::Mat& picture) const {
    cv::Mat difference;
    cv::absdiff(picture, reference_, difference);
    return cv::countNonZero(difference > delta_) / static_cast<double>(picture.total());
  }

  const frames::Reader frames_;
  const double delta_, share_;
  const bool keeps_hard_;  // the reference is the last hard frame, not the previous one
  cv::Mat reference_;      // empty, which no frame is, before the first
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<FrameDifference>("frame-difference"));
