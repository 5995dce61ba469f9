// Which rows of a dataset belong to which node: pure functions, the same on every machine.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace skerry::runtime {

using Rows = std::vector<std::uint64_t>;  // ascending indices into the dataset

enum class PartitionBy { iid, label, dirichlet };

struct PartitionSpec {
  PartitionBy by = PartitionBy::iid;
  std::uint32_t parts = 1;
  double alpha = 0.5;  // of dirichlet: the smaller, the more a class gathers in few parts
  std::uint64_t seed = 0;
};

// A label a row, numbers for classes and real labels alike; empty: the dataset has no labels.
using Labels = std::span<const double>;

// Sets aside `fraction` of the rows, by a seeded permutation; `by_class`: the same fraction of each
// class, to within one row.
struct Split {
  Rows train;
  Rows holdout;
};
Split split_holdout(std::uint64_t rows, Labels labels, bool by_class, double fraction,
                    std::uint64_t seed);

// Every one of `rows` is in exactly one of the `parts` results; some may be empty.
//   iid        equal shares (to within one row) of a seeded permutation.
//   label      the rows sorted by label are cut into two shards a part (one where there are too few
//   rows), which are
//              dealt out by a seeded permutation: each part sees few classes.
//   dirichlet  each class is divided in proportions drawn from Dirichlet(alpha, ..., alpha).
std::vector<Rows> partition_rows(const Rows& rows, Labels labels, const PartitionSpec& spec);

}  // namespace skerry::runtime
