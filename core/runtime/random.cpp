// Compiled without fused multiply-add (see CMakeLists.txt), which would round differently from
// machine to machine.
#include "core/runtime/random.hpp"

#include <algorithm>
#include <cmath>

namespace skerry::runtime {

std::uint64_t Random::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

std::uint64_t Random::below(std::uint64_t bound) {
  const std::uint64_t rest =
      (0 - bound) % bound;  // 2^64 mod bound: so many values would be drawn too often
  std::uint64_t value;
  do value = next();
  while (value < rest);
  return value % bound;
}

double Random::uniform() {
  return (static_cast<double>(next() >> 12) + 0.5) * 0x1p-52;
}

double Random::normal() {
  for (;;) {
    const double x = 2 * uniform() - 1;
    const double y = 2 * uniform() - 1;
    const double s = x * x + y * y;
    if (s < 1 && s > 0) return x * std::sqrt(-2 * portable_log(s) / s);
  }
}

double Random::log_gamma_variate(double shape) {
  // For a small shape: Gamma(a) = Gamma(a + 1) * U^(1/a), in logarithms since U^(1/a) may be too
  // small for a double.
  if (shape < 1) return log_gamma_variate(shape + 1) + portable_log(uniform()) / shape;
  const double d = shape - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal();
    const double t = 1 + c * x;
    if (t <= 0) continue;
    const double v = t * t * t;
    if (portable_log(uniform()) < 0.5 * x * x + d - d * v + d * portable_log(v))
      return portable_log(d * v);
  }
}

std::vector<double> dirichlet(Random& random, double alpha, std::size_t parts) {
  std::vector<double> shares(parts);
  for (auto& share : shares) share = random.log_gamma_variate(alpha);
  const double largest = *std::max_element(shares.begin(), shares.end());
  double sum = 0;
  for (auto& share : shares) sum += share = portable_exp(share - largest);
  for (auto& share : shares) share /= sum;
  return shares;
}

double portable_log(double x) {
  int exponent;
  double m = std::frexp(x, &exponent);  // 0.5 <= m < 1
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  // log m = 2 artanh((m - 1) / (m + 1)); |s| <= 0.172, so 12 terms leave less than a double holds.
  const double s = (m - 1) / (m + 1);
  const double square = s * s;
  double sum = 0;
  for (int k = 23; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
  return 2 * s * sum + exponent * 0.69314718055994531;
}

double portable_exp(double x) {
  if (x < -745) return 0;
  const double n = std::floor(x / 0.69314718055994531 + 0.5);
  const double r = x - n * 0.69314718055994531;  // |r| <= 0.35
  double sum = 1;
  for (int k = 16; k >= 1; --k) sum = 1 + sum * r / k;
  return std::ldexp(sum, static_cast<int>(n));
}

}  // namespace skerry::runtime
