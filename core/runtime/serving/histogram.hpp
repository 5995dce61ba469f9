// Durations, counted in buckets that grow by an eighth: what is read from it is at most 12.5 % too
// long. Those of many edges add up.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace skerry::runtime {

class Histogram {
 public:
  static constexpr std::size_t kBuckets = 8 * 30;

  void add(std::uint32_t microseconds) {
    ++counts_[bucket_of(microseconds)];
    ++total_;
  }
  std::uint64_t total() const { return total_; }
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket]; }

  // The upper end of the bucket in which the value of rank q lies, 0 <= q <= 1; 0 without values.
  std::uint64_t quantile(double q) const {
    std::uint64_t rank = static_cast<std::uint64_t>(q * static_cast<double>(total_));
    for (std::size_t i = 0; i < kBuckets; ++i) {
      if (counts_[i] > rank) return upper(i);
      rank -= counts_[i];
    }
    return total_ == 0 ? 0 : highest();
  }
  // Values up to this are in the bucket or an earlier one.
  static std::uint64_t upper(std::size_t bucket) {
    if (bucket < 8) return bucket;
    const std::size_t octave = bucket / 8 + 2;
    return (std::uint64_t{1} << octave) + ((bucket % 8 + 1) << (octave - 3)) - 1;
  }

 private:
  static std::size_t bucket_of(std::uint32_t value) {
    if (value < 8) return value;
    const std::size_t octave = std::bit_width(value) - 1u;  // >= 3
    return 8 * (octave - 2) + ((value >> (octave - 3)) & 7);
  }
  std::uint64_t highest() const {
    for (std::size_t i = kBuckets; i-- > 0;)
      if (counts_[i] > 0) return upper(i);
    return 0;
  }

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace skerry::runtime
