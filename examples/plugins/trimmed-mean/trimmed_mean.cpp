// Coordinate-wise trimmed mean (Yin, Chen, Kannan, Bartlett, 2018): of the n values that the nodes
// have for an element, the floor(trim * n) largest and as many smallest are left out. Nodes weigh
// the same, however many samples they name.
#include <skerry/aggregation.hpp>

#include <algorithm>
#include <numeric>

class TrimmedMean : public skerry::Aggregation {
 public:
  explicit TrimmedMean(const skerry::Config& config) : trim_(config.number("trim", 0.2)) {
    if (!(trim_ >= 0 && trim_ < 0.5))
      throw skerry::invalid("trim", "must be at least 0 and below 0.5");
  }

  void begin(const std::vector<skerry::NamedTensor>&,
             const std::vector<skerry::Update>& updates) override {
    if (updates.empty()) throw skerry::invalid("", "no update: there is nothing to average");
  }

  void combine(const skerry::Tile<float>& tile) const override { trim(tile); }
  void combine(const skerry::Tile<double>& tile) const override { trim(tile); }

 private:
  template <class T>
  void trim(const skerry::Tile<T>& tile) const {
    const std::size_t nodes = tile.inputs.size();
    const auto cut = static_cast<std::size_t>(trim_ * static_cast<double>(nodes));
    std::vector<double> values(nodes);
    for (std::size_t i = 0; i < tile.count; ++i) {
      for (std::size_t node = 0; node < nodes; ++node)
        values[node] = static_cast<double>(tile.inputs[node][i]);
      std::sort(values.begin(), values.end());
      const double sum = std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(cut),
                                         values.end() - static_cast<std::ptrdiff_t>(cut), 0.0);
      tile.output[i] = static_cast<T>(sum / static_cast<double>(nodes - 2 * cut));
    }
  }

  const double trim_;
};

SKERRY_PLUGIN(skerry::feature<TrimmedMean>("trimmed-mean"));
