#include "core/runtime/partition.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "core/runtime/random.hpp"

namespace skerry::runtime {
namespace {

Rows all_rows(std::uint64_t count) {
  Rows rows(count);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

std::vector<double> ten_classes(std::uint64_t count) {
  std::vector<double> labels(count);
  for (std::uint64_t i = 0; i < count; ++i) labels[i] = static_cast<double>(i % 10);
  return labels;
}

std::set<double> classes_of(const Rows& rows, const std::vector<double>& labels) {
  std::set<double> classes;
  for (auto row : rows) classes.insert(labels[row]);
  return classes;
}

TEST(Partition, GivesEveryRowToExactlyOnePart) {
  const auto rows = all_rows(997);
  const auto labels = ten_classes(997);
  for (auto by : {PartitionBy::iid, PartitionBy::label, PartitionBy::dirichlet}) {
    for (std::uint32_t parts : {1u, 2u, 7u, 100u, 2000u}) {
      const auto result = partition_rows(rows, labels, {.by = by, .parts = parts, .seed = 5});
      ASSERT_EQ(result.size(), parts);
      Rows together;
      for (const auto& part : result) {
        EXPECT_TRUE(std::is_sorted(part.begin(), part.end()));
        together.insert(together.end(), part.begin(), part.end());
      }
      std::sort(together.begin(), together.end());
      EXPECT_EQ(together, rows);
    }
  }
}

TEST(Partition, OfOnePartIsAllRowsInOrder) {
  const auto rows = all_rows(50);
  for (auto by : {PartitionBy::iid, PartitionBy::label, PartitionBy::dirichlet})
    EXPECT_EQ(partition_rows(rows, ten_classes(50), {.by = by, .parts = 1, .seed = 3}).front(),
              rows);
}

TEST(Partition, IidSharesDifferByAtMostOneRow) {
  for (const auto& part : partition_rows(all_rows(1003), {}, {.parts = 4, .seed = 1}))
    EXPECT_NEAR(static_cast<double>(part.size()), 1003 / 4.0, 1);
}

TEST(Partition, ByLabelGivesEachPartFewClasses) {
  const auto labels = ten_classes(4000);
  for (const auto& part :
       partition_rows(all_rows(4000), labels, {.by = PartitionBy::label, .parts = 10, .seed = 1})) {
    EXPECT_EQ(part.size(), 400u);
    EXPECT_LE(classes_of(part, labels).size(), 2u);
  }
}

TEST(Partition, ByDirichletIsTheMoreUnevenTheSmallerAlphaIs) {
  const auto labels = ten_classes(10000);
  const auto spread = [&](double alpha) {
    double sum = 0;
    for (const auto& part :
         partition_rows(all_rows(10000), labels,
                        {.by = PartitionBy::dirichlet, .parts = 10, .alpha = alpha, .seed = 2}))
      for (double label = 0; label < 10; ++label) {
        const auto count =
            std::count_if(part.begin(), part.end(), [&](auto row) { return labels[row] == label; });
        sum += std::pow(static_cast<double>(count) - 100, 2);
      }
    return sum;
  };
  EXPECT_GT(spread(0.1), 2 * spread(1));
  EXPECT_GT(spread(1), 2 * spread(100));
}

TEST(Partition, OfASeedIsTheSameOnEveryMachine) {
  const auto parts =
      partition_rows(all_rows(24), ten_classes(24),
                     {.by = PartitionBy::dirichlet, .parts = 3, .alpha = 0.5, .seed = 42});
  EXPECT_EQ(parts[0], (Rows{0, 6, 22}));
  EXPECT_EQ(parts[1], (Rows{3, 8, 10, 11, 13, 14, 16, 17, 19, 20, 23}));
  EXPECT_EQ(parts[2], (Rows{1, 2, 4, 5, 7, 9, 12, 15, 18, 21}));
  EXPECT_EQ(partition_rows(all_rows(8), {}, {.parts = 2, .seed = 42})[0], (Rows{1, 2, 3, 6}));
}

TEST(Partition, DependsOnTheSeed) {
  const PartitionSpec one{.parts = 4, .seed = 1}, two{.parts = 4, .seed = 2};
  EXPECT_NE(partition_rows(all_rows(100), {}, one), partition_rows(all_rows(100), {}, two));
}

TEST(Holdout, TakesTheSameFractionOfEachClass) {
  const auto labels = ten_classes(5000);
  const auto split = split_holdout(5000, labels, true, 0.2, 9);
  EXPECT_EQ(split.holdout.size(), 1000u);
  EXPECT_EQ(split.train.size(), 4000u);
  for (double label = 0; label < 10; ++label)
    EXPECT_EQ(std::count_if(split.holdout.begin(), split.holdout.end(),
                            [&](auto row) { return labels[row] == label; }),
              100);
}

TEST(Holdout, HasItsShareOfManySmallClassesToo) {
  EXPECT_EQ(split_holdout(10, ten_classes(10), true, 0.2, 9).holdout.size(), 2u);
}

TEST(Holdout, AndTrainingRowsAreDisjointAndComplete) {
  for (bool by_class : {false, true}) {
    auto split = split_holdout(101, ten_classes(101), by_class, 0.3, 9);
    Rows together = split.train;
    together.insert(together.end(), split.holdout.begin(), split.holdout.end());
    std::sort(together.begin(), together.end());
    EXPECT_EQ(together, all_rows(101));
  }
}

TEST(Random, GivesTheKnownValuesOfSplitMix64) {
  Random random(1234567);  // from the reference implementation by Sebastiano Vigna
  EXPECT_EQ(random.next(), 6457827717110365317u);
  EXPECT_EQ(random.next(), 3203168211198807973u);
  EXPECT_EQ(random.next(), 9817491932198370423u);
}

TEST(Random, LogarithmAndExponentialAreAccurate) {
  for (double x : {1e-300, 1e-10, 0.3, 0.70710678, 0.9999, 1.0, 1.5, 42.0, 1e100})
    EXPECT_NEAR(portable_log(x), std::log(x), 1e-14 * (1 + std::abs(std::log(x)))) << x;
  for (double x : {-700.0, -30.0, -1.0, -1e-9, 0.0, 0.5, 10.0, 700.0})
    EXPECT_NEAR(portable_exp(x) / std::exp(x), 1, 1e-13) << x;
  EXPECT_EQ(portable_exp(-1e6), 0);
}

TEST(Random, GammaVariatesHaveTheRightMean) {
  for (double shape : {0.1, 0.5, 1.0, 3.0}) {
    Random random(7);
    double sum = 0;
    constexpr int kDraws = 100000;
    for (int i = 0; i < kDraws; ++i) sum += portable_exp(random.log_gamma_variate(shape));
    EXPECT_NEAR(sum / kDraws, shape, 5 * std::sqrt(shape / kDraws)) << shape;
  }
}

TEST(Random, DirichletSharesAddUpToOneForTinyAlphaToo) {
  for (double alpha : {1e-4, 0.01, 0.5, 1000.0}) {
    Random random(3);
    const auto shares = dirichlet(random, alpha, 20);
    EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1, 1e-12);
  }
}

}  // namespace
}  // namespace skerry::runtime
