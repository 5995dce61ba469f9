// A part of the candidates, drawn afresh in every round.
#include <skerry/selection.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace {

// splitmix64 (Steele, Lea, Flood, 2014). Our own, because what std::shuffle and the standard
// distributions draw from a seed differs between standard libraries.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

  // Uniform in 0..bound-1: draws beyond the last whole multiple of bound are drawn again.
  std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t usable = UINT64_MAX - UINT64_MAX % bound;
    std::uint64_t value = next();
    while (value >= usable) value = next();
    return value % bound;
  }

 private:
  std::uint64_t state_;
};

class Random : public skerry::Selection {
 public:
  explicit Random(const skerry::Config& config)
      : fraction_(config.number("fraction", 0)), count_(config.integer("count", 0)) {
    if (config.has("fraction") == config.has("count")) {
      throw skerry::invalid("fraction", std::string(config.has("count") ? "and count are both there"
                                                                        : "or count is missing") +
                                            ": give one of them, as fraction: 0.5 or count: 2");
    }
    if (config.has("fraction") && !(fraction_ > 0 && fraction_ <= 1)) {
      throw skerry::invalid("fraction", "must be above 0 and at most 1");
    }
    if (config.has("count") && count_ < 1) throw skerry::invalid("count", "must be at least 1");
  }

  // Starts from the order of the nodes' names, so that the order in which they joined does not
  // matter.
  std::vector<std::uint32_t> select(const std::vector<skerry::Candidate>& candidates,
                                    std::uint32_t round, std::uint64_t seed) override {
    std::vector<std::uint32_t> order(candidates.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return candidates[a].node < candidates[b].node;
    });
    Generator generator(Generator(seed).next() ^ round);
    const std::size_t wanted = wanted_of(order.size());
    for (std::size_t i = 0; i < wanted; ++i)
      std::swap(order[i], order[i + generator.below(order.size() - i)]);
    order.resize(wanted);
    return order;
  }

 private:
  std::size_t wanted_of(std::size_t nodes) const {
    if (count_ > 0) return std::min<std::size_t>(static_cast<std::size_t>(count_), nodes);
    const auto rounded =
        static_cast<std::size_t>(std::lround(fraction_ * static_cast<double>(nodes)));
    return std::min(std::max<std::size_t>(rounded, 1), nodes);
  }

  double fraction_;
  std::int64_t count_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Random>("random"));
