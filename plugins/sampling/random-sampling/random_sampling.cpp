// Sedna's filter Random: each example is hard with the same probability, whatever it shows. What
// other filters find is to be better than that, and a random part tells what they miss. Sedna draws
// without a seed; here the same seed draws the same, in the order of the examples, and what is hard
// at one ratio is so at every higher one.
#include <skerry/sampling.hpp>

namespace {

// splitmix64 (Steele, Lea, Flood, 2014). Our own, because what the standard distributions draw from
// a seed differs between standard libraries.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : state_(seed) {}

  // Uniform from 0 to below 1: the upper 53 bits, as many as a double holds.
  double next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

 private:
  std::uint64_t state_;
};

class Random : public skerry::Sampling {
 public:
  explicit Random(const skerry::Config& config)
      : ratio_(config.number("ratio", 0.3)),
        generator_(static_cast<std::uint64_t>(config.integer("seed", 0))) {}

  std::uint32_t needs() const override { return 0; }

  skerry::Judgement judge(const skerry::Example&) override {
    const double drawn = generator_.next();
    return {1 - drawn, drawn < ratio_};
  }

 private:
  const double ratio_;
  Generator generator_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Random>("random"));
