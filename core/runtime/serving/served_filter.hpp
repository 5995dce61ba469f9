// A filter of hard examples that judges one question at a time. One thread.
#pragma once

#include <skerry/abi.h>

#include <optional>
#include <vector>

#include "core/base/result.hpp"
#include "core/runtime/instance.hpp"

namespace skerry::runtime {

struct Judgement {
  double score = 0;
  bool hard = false;
};

class ServedFilter {
 public:
  // `threshold`: an example with this score or more is hard, whatever the filter itself says.
  // `filter` must outlive this.
  static Result<ServedFilter> open(const Instance& filter, std::vector<std::int64_t> shape,
                                   std::optional<double> threshold);

  bool needs_predictions() const { return (needs_ & SKERRY_NEEDS_PREDICTIONS) != 0; }
  // `predictions` may be null where it does not need them.
  Result<Judgement> judge(const float* features, const std::vector<float>* predictions) const;

 private:
  ServedFilter(const Instance& filter, std::vector<std::int64_t> shape,
               std::optional<double> threshold)
      : filter_(&filter), shape_(std::move(shape)), threshold_(threshold) {}

  const Instance* filter_;
  std::vector<std::int64_t> shape_;  // of one row
  std::optional<double> threshold_;
  std::uint32_t needs_ = 0;
};

}  // namespace skerry::runtime
