// Filters combined: the quality gates and the uncertainty that people would otherwise chain by
// hand. Every filter sees every example, in order, so that those that remember stay in step.
#include <skerry/task.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace {

class Stack : public skerry::Sampling {
 public:
  Stack(const skerry::Config& config, skerry::Host& host)
      : all_(config.string("mode", "any") == "all"),
        filters_(open(host, config, "filters")),
        unless_(open(host, config, "unless")) {}

  std::uint32_t needs() const override {
    std::uint32_t flags = 0;
    for (auto* list : {&filters_, &unless_})
      for (skerry::SamplingRef& each : *list) flags |= each.needs();
    return flags;
  }

  skerry::Judgement judge(const skerry::Example& example) override {
    const skerry::Judgement judgement = combined(example);
    bool ruled_out = false;
    for (skerry::SamplingRef& each : unless_) ruled_out |= one(each, example).hard;
    return ruled_out ? skerry::Judgement{} : judgement;
  }

 private:
  static std::vector<skerry::SamplingRef> open(const skerry::Host& host,
                                               const skerry::Config& config, const char* name) {
    std::vector<skerry::SamplingRef> list;
    const auto found = config.json().find(name);
    if (found == config.json().end()) return list;
    for (std::size_t i = 0; i < found->size(); ++i)
      list.emplace_back(host.feature<skerry_sampling_v1>("config." + std::string(name) + "[" +
                                                         std::to_string(i) + "]"));
    return list;
  }

  skerry::Judgement combined(const skerry::Example& example) const {
    skerry::Judgement all = one(filters_.front(), example);
    for (std::size_t i = 1; i < filters_.size(); ++i) {
      const skerry::Judgement next = one(filters_[i], example);
      all.score = all_ ? std::min(all.score, next.score) : std::max(all.score, next.score);
      all.hard = all_ ? all.hard && next.hard : all.hard || next.hard;
    }
    return all;
  }

  static skerry::Judgement one(skerry::SamplingRef& filter, const skerry::Example& example) {
    std::vector<std::int64_t> shape{1};
    shape.insert(shape.end(), example.shape.begin(), example.shape.end());
    const std::vector<std::int64_t> answer{1,
                                           static_cast<std::int64_t>(example.predictions.size())};
    const skerry::TensorView features(const_cast<float*>(example.features.data()),
                                      skerry::dtype_of<float>(), shape);
    const skerry::TensorView predictions(const_cast<float*>(example.predictions.data()),
                                         skerry::dtype_of<float>(), answer);
    return filter.judge(1, features.abi(), predictions.abi()).front();
  }

  const bool all_;
  // What is asked changes in them: they remember.
  mutable std::vector<skerry::SamplingRef> filters_, unless_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Stack>("stack"));
