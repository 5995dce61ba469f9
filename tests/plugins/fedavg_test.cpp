#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <thread>

#include "plugin_under_test.hpp"

using namespace skerry_test;

namespace {

constexpr std::uint64_t kSeed = 20240601;

template <class T>
using Updates = std::vector<std::vector<T>>;

template <class T>
Updates<T> random_updates(std::size_t clients, std::size_t count) {
  std::mt19937_64 generator(kSeed);
  Updates<T> updates(clients, std::vector<T>(count));
  for (std::vector<T>& update : updates) {
    for (T& value : update) {
      const double unit = static_cast<double>(generator() >> 11) * 0x1p-53;
      value = static_cast<T>((unit - 0.5) * std::exp2(static_cast<double>(generator() % 20) - 10));
    }
  }
  return updates;
}

class FedAvg : public testing::Test {
 protected:
  void begin(const std::vector<std::uint64_t>& samples) {
    std::vector<skerry_update> updates;
    for (std::uint64_t count : samples) updates.push_back({"node", count, 0.5});
    const std::int64_t shape[] = {1};
    skerry_named_tensor schema = {
        "weight", {nullptr, SKERRY_CPU, 0, 1, SKERRY_FLOAT, 32, 1, shape, nullptr, 0}};
    const Outcome outcome = fedavg.call(&skerry_aggregation_v1::begin, &schema, std::uint64_t{1},
                                        updates.data(), updates.size());
    ASSERT_TRUE(outcome.ok()) << outcome;
  }

  template <class T>
  Outcome combine(const Updates<T>& updates, std::size_t offset, std::size_t count, T* output) {
    std::vector<const void*> inputs;
    for (const std::vector<T>& update : updates) inputs.push_back(update.data() + offset);
    const skerry_tile tile = {sizeof(skerry_tile),
                              0,
                              SKERRY_FLOAT,
                              sizeof(T) * 8,
                              0,
                              static_cast<std::uint32_t>(inputs.size()),
                              offset,
                              count,
                              inputs.data(),
                              nullptr,
                              output};
    return fedavg.call(&skerry_aggregation_v1::combine, &tile);
  }

  // The whole tensor in tiles, taken in turns by some threads.
  template <class T>
  std::vector<T> average(const Updates<T>& updates, const std::vector<std::uint64_t>& samples,
                         std::size_t tile, unsigned threads = 1) {
    begin(samples);
    const std::size_t count = updates[0].size();
    std::vector<T> output(count);
    std::vector<std::thread> pool;
    for (unsigned t = 0; t < threads; ++t) {
      pool.emplace_back([&, t] {
        for (std::size_t at = t * tile; at < count; at += threads * tile) {
          const Outcome outcome =
              combine(updates, at, std::min(tile, count - at), output.data() + at);
          EXPECT_TRUE(outcome.ok()) << outcome;
        }
      });
    }
    for (std::thread& each : pool) each.join();
    EXPECT_TRUE(fedavg.call(&skerry_aggregation_v1::finish).ok());
    return output;
  }

  PluginUnderTest plugin{"fedavg"};
  Instance<skerry_aggregation_v1> fedavg = plugin.create<skerry_aggregation_v1>("fedavg");
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

TEST_F(FedAvg, EqualsAFloat64ReferenceForAnyNumberOfClients) {
  RecordProperty("seed", std::to_string(kSeed));
  for (std::size_t clients : {1, 2, 3, 4, 5, 8, 10}) {
    const Updates<float> updates = random_updates<float>(clients, 5000);
    std::vector<std::uint64_t> samples;
    double total = 0;
    for (std::size_t c = 0; c < clients; ++c) {
      samples.push_back(1 + 37 * c);
      total += static_cast<double>(samples.back());
    }
    const std::vector<float> result = average(updates, samples, 5000);
    for (std::size_t i = 0; i < result.size(); ++i) {
      double reference = 0, magnitude = 0;
      for (std::size_t c = 0; c < clients; ++c) {
        const double part =
            static_cast<double>(samples[c]) * static_cast<double>(updates[c][i]) / total;
        reference += part;
        magnitude += std::fabs(part);
      }
      // Relative to the summands: where they cancel, float32 output still rounds relative to the
      // result alone.
      ASSERT_NEAR(result[i], reference, 1e-6 * std::fabs(reference) + 1e-15 * magnitude)
          << clients << " clients, " << i;
    }
  }
}

TEST_F(FedAvg, GivesTheSameBitsForAnyTileSizeAndThreads) {
  const Updates<float> updates = random_updates<float>(10, 20011);
  const std::vector<std::uint64_t> samples = {5, 100, 3, 77, 12, 9000, 1, 64, 250, 31};
  const std::vector<float> whole = average(updates, samples, 20011);
  for (std::size_t tile : {1000, 1024, 2048, 2049, 7, 1}) {
    for (unsigned threads : {1U, 2U, 5U}) {
      EXPECT_TRUE(same_bits(whole, average(updates, samples, tile, threads)))
          << tile << ", " << threads;
    }
  }
}

TEST_F(FedAvg, KeepsFullPrecisionForDoubles) {
  const Updates<double> updates = random_updates<double>(6, 3000);
  const std::vector<std::uint64_t> samples = {1, 2, 3, 4, 5, 6};
  const std::vector<double> result = average(updates, samples, 3000);
  EXPECT_TRUE(same_bits(result, average(updates, samples, 11, 3)));
  for (std::size_t i = 0; i < result.size(); ++i) {
    long double reference = 0, magnitude = 0;
    for (std::size_t c = 0; c < 6; ++c) {
      const long double part = static_cast<long double>(samples[c]) / 21 * updates[c][i];
      reference += part;
      magnitude += std::fabs(part);
    }
    ASSERT_NEAR(result[i], static_cast<double>(reference), 1e-15 * static_cast<double>(magnitude));
  }
}

TEST_F(FedAvg, ReturnsASingleUpdateBitForBit) {
  Updates<float> updates = random_updates<float>(1, 4099);
  updates[0][0] = -0.0F;
  updates[0][1] = std::numeric_limits<float>::denorm_min();
  updates[0][2] = std::numeric_limits<float>::max();
  updates[0][3] = -std::numeric_limits<float>::infinity();
  EXPECT_TRUE(same_bits(updates[0], average(updates, {12345677}, 1000)));
  const Updates<double> doubles = random_updates<double>(1, 2500);
  EXPECT_TRUE(same_bits(doubles[0], average(doubles, {7}, 1000)));
}

TEST_F(FedAvg, DoesNotDependOnTheOrderOfTheUpdatesBeyondRounding) {
  Updates<float> updates = random_updates<float>(7, 4000);
  std::vector<std::uint64_t> samples = {10, 20, 30, 40, 50, 60, 70};
  const std::vector<float> forward = average(updates, samples, 4000);
  std::reverse(updates.begin(), updates.end());
  std::reverse(samples.begin(), samples.end());
  const std::vector<float> backward = average(updates, samples, 4000);
  for (std::size_t i = 0; i < forward.size(); ++i) {
    ASSERT_NEAR(forward[i], backward[i], 1e-6 * std::fabs(forward[i]) + 1e-12) << i;
  }
}

TEST_F(FedAvg, WeighsByTheNumberOfSamples) {
  EXPECT_EQ(average<float>({{0, 8}, {4, 0}}, {1, 3}, 2), (std::vector<float>{3, 2}));
}

TEST_F(FedAvg, AsksForNoFirstPassOverTheTiles) {
  EXPECT_EQ(fedavg.functions().observe, nullptr);
}

TEST_F(FedAvg, RefusesARoundWithoutUpdatesOrSamples) {
  const Outcome none = fedavg.call(&skerry_aggregation_v1::begin, nullptr, std::uint64_t{0},
                                   nullptr, std::uint64_t{0});
  EXPECT_EQ(none.status, SKERRY_INVALID_ARGUMENT) << none;
  const skerry_update empty = {"node", 0, 0.5};
  const Outcome zero = fedavg.call(&skerry_aggregation_v1::begin, nullptr, std::uint64_t{0}, &empty,
                                   std::uint64_t{1});
  EXPECT_EQ(zero.status, SKERRY_INVALID_ARGUMENT) << zero;
}

TEST_F(FedAvg, RefusesATileOfOtherClientsThanTheRoundBeganWith) {
  begin({1, 2, 3});
  float output[1] = {};
  EXPECT_EQ(combine<float>({{1}, {2}}, 0, 1, output).status, SKERRY_INTERNAL);
}

}  // namespace
