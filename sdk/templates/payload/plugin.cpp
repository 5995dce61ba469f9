#include <skerry/payload.hpp>

#include <algorithm>
#include <cmath>

class @CLASS@ : public skerry::Payload {
 public:
  explicit @CLASS@(const skerry::Config& config) : low_(config.number("low", -8)), high_(config.number("high", 8)) {
    if (!(low_ < high_)) throw skerry::invalid("high", "must be above `low`");
  }

  // On an edge: two bytes for each value, the lower one first.
  std::vector<std::uint8_t> encode(const skerry::TensorView& example) override {
    std::vector<std::uint8_t> bytes;
    for (const float value : example.elements<const float>()) {
      if (std::isnan(value)) throw skerry::invalid("", "the example has a NaN, which has no place between `low` and `high`");
      const double part = std::clamp((value - low_) / (high_ - low_), 0.0, 1.0);
      const auto step = static_cast<unsigned>(std::lround(part * kSteps));
      bytes.push_back(static_cast<std::uint8_t>(step % 256));
      bytes.push_back(static_cast<std::uint8_t>(step / 256));
    }
    return bytes;
  }

  // Anybody may have sent these bytes: refuse what can't be read, and say what is right.
  void decode(skerry::Span<const std::uint8_t> encoded, const skerry::TensorView& example) override {
    const auto values = example.elements<float>();
    if (encoded.size() != 2 * values.size())
      throw skerry::invalid("", "found " + std::to_string(encoded.size()) + " bytes; an example of shape " +
                                    skerry::shape_text(example.shape()) + " has " + std::to_string(2 * values.size()));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(low_ + (high_ - low_) * (encoded[2 * i] + 256 * encoded[2 * i + 1]) / kSteps);
  }

 private:
  static constexpr int kSteps = 65535;
  const double low_, high_;
};

SKERRY_PLUGIN(skerry::feature<@CLASS@>("@NAME@"));
