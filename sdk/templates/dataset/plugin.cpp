#include <skerry/dataset.hpp>

#include <algorithm>
#include <cmath>
#include <random>

class @CLASS@ : public skerry::Dataset {
 public:
  // Opens the data: here it is made up. What can't be opened is refused with the file and the place at fault.
  explicit @CLASS@(const skerry::Config& config) {
    const std::int64_t rows = config.integer("rows", 300), corners = config.integer("corners", 3);
    if (rows < 1 || rows > 10'000'000) throw skerry::invalid("rows", "must be in 1..10000000");
    if (corners < 2 || corners > 100) throw skerry::invalid("corners", "must be in 2..100");
    std::mt19937 random(1);
    std::normal_distribution<double> spread(0, config.number("spread", 0.2));
    std::vector<std::int64_t> labels;
    for (std::int64_t row = 0; row < rows; ++row) {
      labels.push_back(row % corners);
      const double angle = 6.2831853 * static_cast<double>(labels.back()) / static_cast<double>(corners);
      points_.push_back(static_cast<float>(std::cos(angle) + spread(random)));
      points_.push_back(static_cast<float>(std::sin(angle) + spread(random)));
    }
    describe_classes({2}, std::move(labels), static_cast<std::uint32_t>(corners));
  }

  // The features of some rows, one after the other. The host divides the rows among nodes and holds some out.
  void read(skerry::Span<const std::uint64_t> rows, float* out) override {
    for (const std::uint64_t row : rows) out = std::copy_n(points_.data() + 2 * row, 2, out);
  }

 private:
  std::vector<float> points_;
};

SKERRY_PLUGIN(skerry::feature<@CLASS@>("@NAME@"));
