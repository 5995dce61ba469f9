#include <skerry/selection.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

class @CLASS@ : public skerry::Selection {
 public:
  explicit @CLASS@(const skerry::Config& config) : count_(config.integer("count", 1)) {
    if (count_ < 1) throw skerry::invalid("count", "must be at least 1");
  }

  // Indices of those who take part. The same arguments must give the same choice: keep nothing between calls.
  std::vector<std::uint32_t> select(const std::vector<skerry::Candidate>& candidates, std::uint32_t /*round*/,
                                    std::uint64_t /*seed*/) override {
    std::vector<std::uint32_t> order(candidates.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return worth(candidates[a]) > worth(candidates[b]);
    });
    order.resize(std::min<std::size_t>(order.size(), static_cast<std::size_t>(count_)));
    return order;
  }

 private:
  static double worth(const skerry::Candidate& candidate) {
    return std::isnan(candidate.loss) ? std::numeric_limits<double>::infinity() : candidate.loss;
  }

  const std::int64_t count_;
};

SKERRY_PLUGIN(skerry::feature<@CLASS@>("@NAME@"));
