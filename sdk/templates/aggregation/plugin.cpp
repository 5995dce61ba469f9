#include <skerry/aggregation.hpp>

class @CLASS@ : public skerry::Aggregation {
 public:
  explicit @CLASS@(const skerry::Config& config) : step_(config.number("step", 1)) {}

  // A new round: who sent an update, and with how many samples.
  void begin(const std::vector<skerry::NamedTensor>&, const std::vector<skerry::Update>& updates) override {
    weights_.clear();
    double total = 0;
    for (const skerry::Update& update : updates) total += static_cast<double>(update.samples);
    if (total == 0) throw skerry::invalid("", "no update with a sample: there is nothing to average");
    for (const skerry::Update& update : updates) weights_.push_back(static_cast<double>(update.samples) / total);
  }

  // A part of one tensor, of all updates. Called by several threads at once.
  void combine(const skerry::Tile<float>& tile) const override {
    for (std::size_t i = 0; i < tile.count; ++i) {
      double mean = 0;
      for (std::size_t client = 0; client < tile.inputs.size(); ++client)
        mean += weights_[client] * static_cast<double>(tile.inputs[client][i]);
      const double old = tile.base == nullptr ? mean : static_cast<double>(tile.base[i]);
      tile.output[i] = static_cast<float>(old + step_ * (mean - old));
    }
  }

 private:
  const double step_;
  std::vector<double> weights_;
};

SKERRY_PLUGIN(skerry::feature<@CLASS@>("@NAME@"));
