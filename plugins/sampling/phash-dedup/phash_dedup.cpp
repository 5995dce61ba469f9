// Near-duplicates by a perceptual hash: the grey picture is shrunk to 32x32 pixels (means of areas)
// and transformed by the orthonormal DCT-II, cv::dct. Of its 8x8 lowest frequencies all but the
// first, the mean brightness, are compared with their median: bit 8 * v + u (the lowest is bit 0)
// is 1 where the coefficient of vertical frequency v and horizontal frequency u is above the median
// of the 63. Bit 0 is always 0. So the hash does not depend on brightness and contrast, and little
// on size, noise and compression. With d the least Hamming distance to one of the last `memory`
// hard examples:
//
//   score = d / 64, 1 for the first    hard: d > `distance`
//
// Only hard examples are remembered: what was sent is what another one can be a duplicate of.
#include <array>
#include <bitset>
#include <opencv2/imgproc.hpp>

#include "../frame.hpp"

namespace {

using Hash = std::bitset<64>;

constexpr int kSide = 32, kLow = 8;

// Frequencies v = 0..7, and u = 0..7 in each, without v = u = 0.
std::array<float, kLow * kLow - 1> low_frequencies(const cv::Mat& picture) {
  cv::Mat shrunk, spectrum;
  cv::resize(picture, shrunk, {kSide, kSide}, 0, 0, cv::INTER_AREA);
  shrunk.convertTo(shrunk, CV_32F);
  cv::dct(shrunk, spectrum);
  std::array<float, kLow * kLow - 1> values{};
  for (int i = 1; i < kLow * kLow; ++i) {
    const float value = spectrum.at<float>(i / kLow, i % kLow);
    // Rounding to grey levels adds noise of deviation 0.29 to each: below 1 there is nothing to
    // see, and the hash of a picture of one colour must not be that of noise.
    values[static_cast<std::size_t>(i - 1)] = std::abs(value) < 1 ? 0 : value;
  }
  return values;
}

Hash hash_of(const cv::Mat& picture) {
  const auto values = low_frequencies(picture);
  auto sorted = values;
  const auto middle = sorted.begin() + sorted.size() / 2;
  std::nth_element(sorted.begin(), middle, sorted.end());
  Hash hash;
  for (std::size_t i = 0; i < values.size(); ++i) hash[i + 1] = values[i] > *middle;
  return hash;
}

class PHashDedup : public skerry::Sampling {
 public:
  explicit PHashDedup(const skerry::Config& config)
      : frames_(config),
        distance_(config.integer("distance", 6)),
        memory_(config.integer("memory", 256)) {
    if (memory_ < 1) throw skerry::invalid("memory", "must be at least 1");
  }

  std::uint32_t needs() const override { return SKERRY_NEEDS_FEATURES; }

  skerry::Judgement judge(const skerry::Example& example) override {
    const Hash hash = hash_of(frames_.grey(example));
    const bool first = seen_.empty();
    const std::int64_t least = first ? kFar : least_distance(hash);
    const bool hard = first || least > distance_;
    if (hard) remember(hash);
    return {static_cast<double>(least) / kFar, hard};
  }

 private:
  static constexpr std::int64_t kFar = 64;

  std::int64_t least_distance(const Hash& hash) const {
    std::int64_t least = kFar;
    for (const Hash& each : seen_)
      least = std::min(least, static_cast<std::int64_t>((each ^ hash).count()));
    return least;
  }

  // The new one takes the place of the oldest once the memory is full.
  void remember(const Hash& hash) {
    if (static_cast<std::int64_t>(seen_.size()) < memory_) {
      seen_.push_back(hash);
      return;
    }
    seen_[oldest_] = hash;
    oldest_ = (oldest_ + 1) % seen_.size();
  }

  const frames::Reader frames_;
  const std::int64_t distance_, memory_;
  std::vector<Hash> seen_;  // of hard examples, at most memory_
  std::size_t oldest_ = 0;  // in seen_, once it is full
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<PHashDedup>("phash-dedup"));
