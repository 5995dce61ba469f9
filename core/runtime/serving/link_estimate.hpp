// How long a question to the cloud takes, from those that came back: the time on the wire for sizes
// alike, and the cloud's own time. One thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace skerry::runtime {

class LinkEstimate {
 public:
  // Microseconds; `cloud_us` in the cloud's queue and model.
  void answered(std::size_t bytes, double wire_us, double cloud_us) {
    mix(wire_[size_class(bytes)], wire_us);
    mix(cloud_, cloud_us);
  }
  // A question that did not come back within so long took longer than that.
  void missed(std::size_t bytes, double waited_us) {
    auto& wire = wire_[size_class(bytes)];
    if (!wire || *wire < waited_us) mix(wire, waited_us);
  }
  // None where nothing of such a size was asked yet.
  std::optional<double> expect(std::size_t bytes) const {
    const auto& wire = wire_[size_class(bytes)];
    if (!wire) return std::nullopt;
    return *wire + cloud_.value_or(0);
  }

 private:
  static constexpr double kWeight = 0.2;  // of the newest

  static std::size_t size_class(std::size_t bytes) { return std::bit_width(bytes | 1) - 1u; }
  static void mix(std::optional<double>& into, double value) {
    into = into ? (1 - kWeight) * *into + kWeight * value : value;
  }

  std::array<std::optional<double>, 64> wire_{};
  std::optional<double> cloud_;
};

}  // namespace skerry::runtime
