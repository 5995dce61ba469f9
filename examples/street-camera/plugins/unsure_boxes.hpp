// filter `unsure-boxes`: an answer is as unsure as its least sure box.
#pragma once

#include <skerry/sampling.hpp>

#include <algorithm>
#include <cstdint>

#include "boxes.hpp"

namespace street {

class UnsureBoxes : public skerry::Sampling {
 public:
  explicit UnsureBoxes(const skerry::Config& config)
      : sure_(config.number("sure", 0.5)), ignore_(config.number("ignore", 0)) {
    if (!(ignore_ >= 0 && ignore_ <= 1)) throw skerry::invalid("ignore", "must be 0 to 1");
    if (!(sure_ >= 0 && sure_ <= 1)) throw skerry::invalid("sure", "must be 0 to 1");
  }

  std::uint32_t needs() const override { return SKERRY_NEEDS_PREDICTIONS; }

  skerry::Judgement judge(const skerry::Example& example) override {
    const auto& answer = example.predictions;
    if (answer.size() % kRow != 0) return {1, true};
    double least = 1;
    for (std::size_t i = kRow - 1; i < answer.size(); i += kRow) {
      const double score = answer[i];
      if (std::isnan(score)) return {1, true};
      if (score > ignore_) least = std::min(least, score);
    }
    return {1 - least, least < sure_};
  }

 private:
  const double sure_, ignore_;
};

}  // namespace street
