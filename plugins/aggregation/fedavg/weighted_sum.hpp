// output[i] = sum of weights[c] * inputs[c][i] over c in order, in double, then rounded once to the
// output's type.
#pragma once

#include <algorithm>
#include <cstddef>

// One copy of the loops for each instruction set, chosen when the plugin is opened. Sanitizers are
// not yet up then.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__clang__)
#define FEDAVG_FOR_EACH_ISA __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define FEDAVG_FOR_EACH_ISA
#endif

namespace detail {

constexpr std::size_t kBlock =
    2048;  // 16 KiB of sums: they stay in the first-level cache while the inputs stream by

// sum[i] += weights[0] * inputs[0][i], then inputs[1] and so on: one client a step, in order. Four
// at a time only so that a sum is loaded and stored once for them.
template <class T>
[[gnu::always_inline]] inline void add_four(const T* const* inputs, const double* weights,
                                            std::size_t start, std::size_t size, double* sum) {
  const T *a = inputs[0] + start, *b = inputs[1] + start, *c = inputs[2] + start,
          *d = inputs[3] + start;
  const double wa = weights[0], wb = weights[1], wc = weights[2], wd = weights[3];
  for (std::size_t i = 0; i < size; ++i) {
    sum[i] = (((sum[i] + wa * static_cast<double>(a[i])) + wb * static_cast<double>(b[i])) +
              wc * static_cast<double>(c[i])) +
             wd * static_cast<double>(d[i]);
  }
}

template <class T>
[[gnu::always_inline]] inline void add_one(const T* input, double weight, std::size_t size,
                                           double* sum) {
  for (std::size_t i = 0; i < size; ++i) sum[i] += weight * static_cast<double>(input[i]);
}

template <class T>
[[gnu::always_inline]] inline void weighted_sum(const T* const* inputs, const double* weights,
                                                std::size_t clients, std::size_t count, T* output) {
  alignas(64) double sum[kBlock];
  for (std::size_t start = 0; start < count; start += kBlock) {
    const std::size_t size = std::min(kBlock, count - start);
    std::fill_n(sum, size, -0.0);  // the neutral element: 0.0 would turn a -0.0 into 0.0
    std::size_t client = 0;
    for (; client + 4 <= clients; client += 4)
      add_four(inputs + client, weights + client, start, size, sum);
    for (; client < clients; ++client) add_one(inputs[client] + start, weights[client], size, sum);
    for (std::size_t i = 0; i < size; ++i) output[start + i] = static_cast<T>(sum[i]);
  }
}

}  // namespace detail

FEDAVG_FOR_EACH_ISA inline void weighted_sum(const float* const* inputs, const double* weights,
                                             std::size_t clients, std::size_t count,
                                             float* output) {
  detail::weighted_sum<float>(inputs, weights, clients, count, output);
}

FEDAVG_FOR_EACH_ISA inline void weighted_sum(const double* const* inputs, const double* weights,
                                             std::size_t clients, std::size_t count,
                                             double* output) {
  detail::weighted_sum<double>(inputs, weights, clients, count, output);
}
