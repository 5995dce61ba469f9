// Random numbers that are the same on every platform: the standard library's distributions are not.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace skerry::runtime {

// SplitMix64 (Steele, Lea, Flood 2014): the state grows by 0x9e3779b97f4a7c15, the output is a mix
// of it.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next();
  std::uint64_t below(std::uint64_t bound);  // 0..bound-1, without bias; bound >= 1
  double uniform();                          // (0, 1): the middle of one of 2^52 equal steps
  double normal();                           // Marsaglia's polar method, one value of each pair
  double log_gamma_variate(
      double shape);  // log of a Gamma(shape, 1) variate: Marsaglia and Tsang 2000

  // Fisher and Yates, from the end.
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::uint64_t state_;
};

// A draw from the symmetric Dirichlet distribution: `parts` shares that add up to 1.
std::vector<double> dirichlet(Random& random, double alpha, std::size_t parts);

// Logarithm and exponential from basic arithmetic only: a C library's may differ from another's in
// the last bit.
double portable_log(double x);  // x > 0
double portable_exp(double x);

}  // namespace skerry::runtime
