// Federated averaging (McMahan et al., 2017): the mean of the updates, weighted by the samples
// behind each.
#include <skerry/aggregation.hpp>

#include "weighted_sum.hpp"

namespace {

class FedAvg : public skerry::Aggregation {
 public:
  void begin(const std::vector<skerry::NamedTensor>&,
             const std::vector<skerry::Update>& updates) override {
    double total = 0;
    for (const skerry::Update& update : updates) total += static_cast<double>(update.samples);
    if (total == 0)
      throw skerry::invalid("", "no update with a sample: there is nothing to average");
    weights_.clear();
    for (const skerry::Update& update : updates)
      weights_.push_back(static_cast<double>(update.samples) / total);
  }

  // Every element is summed in double, in the order of the updates, so that tiles and threads
  // cannot change a bit.
  void combine(const skerry::Tile<float>& tile) const override { average(tile); }
  void combine(const skerry::Tile<double>& tile) const override { average(tile); }

 private:
  template <class T>
  void average(const skerry::Tile<T>& tile) const {
    if (tile.inputs.size() != weights_.size() || weights_.empty())
      throw skerry::Error(SKERRY_INTERNAL, "", "a tile of other clients than the round began with");
    weighted_sum(tile.inputs.data(), weights_.data(), weights_.size(), tile.count, tile.output);
  }

  std::vector<double> weights_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<FedAvg>("fedavg"));
