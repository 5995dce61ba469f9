#include "core/runtime/partition.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "core/runtime/random.hpp"

namespace skerry::runtime {
namespace {

// The rows of each label, the labels in ascending order.
std::map<double, Rows> by_label(const Rows& rows, Labels labels) {
  std::map<double, Rows> groups;
  for (auto row : rows) groups[labels[row]].push_back(row);
  return groups;
}

// Cuts a sequence into `count` runs whose lengths differ by at most one.
std::vector<Rows> equal_runs(const Rows& rows, std::size_t count) {
  std::vector<Rows> runs(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() * i / count);
    const auto end = rows.begin() + static_cast<std::ptrdiff_t>(rows.size() * (i + 1) / count);
    runs[i].assign(begin, end);
  }
  return runs;
}

std::vector<Rows> partition_iid(Rows rows, const PartitionSpec& spec) {
  Random(spec.seed).shuffle(rows);
  return equal_runs(rows, spec.parts);
}

std::vector<Rows> partition_by_label(Rows rows, Labels labels, const PartitionSpec& spec) {
  Random random(spec.seed);
  random.shuffle(rows);
  std::stable_sort(rows.begin(), rows.end(), [&](auto a, auto b) { return labels[a] < labels[b]; });
  const std::size_t shards_a_part = rows.size() >= 2u * spec.parts ? 2 : 1;
  auto shards = equal_runs(rows, shards_a_part * spec.parts);
  std::vector<std::size_t> order(shards.size());
  std::iota(order.begin(), order.end(), 0);
  random.shuffle(order);
  std::vector<Rows> parts(spec.parts);
  for (std::size_t i = 0; i < order.size(); ++i) {
    auto& part = parts[i / shards_a_part];
    part.insert(part.end(), shards[order[i]].begin(), shards[order[i]].end());
  }
  return parts;
}

std::vector<Rows> partition_dirichlet(const Rows& rows, Labels labels, const PartitionSpec& spec) {
  Random random(spec.seed);
  std::vector<Rows> parts(spec.parts);
  for (auto& [label, members] : by_label(rows, labels)) {
    random.shuffle(members);
    const auto shares = dirichlet(random, spec.alpha, spec.parts);
    double cumulated = 0;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < spec.parts; ++i) {
      cumulated += shares[i];
      const auto cut =
          static_cast<std::size_t>(cumulated * static_cast<double>(members.size()) + 0.5);
      const auto end =
          i + 1 == spec.parts ? members.size() : std::clamp(cut, begin, members.size());
      parts[i].insert(parts[i].end(), members.begin() + static_cast<std::ptrdiff_t>(begin),
                      members.begin() + static_cast<std::ptrdiff_t>(end));
      begin = end;
    }
  }
  return parts;
}

// Holds out of each group so many rows that the share of all groups so far comes as near to the
// fraction as it can.
class Holdout {
 public:
  Holdout(double fraction, std::uint64_t seed) : fraction_(fraction), random_(seed) {}

  void take_from(Rows members) {
    random_.shuffle(members);
    seen_ += members.size();
    const auto target = static_cast<std::size_t>(fraction_ * static_cast<double>(seen_) + 0.5);
    const auto held = std::min(target - split_.holdout.size(), members.size());
    const auto end = members.begin() + static_cast<std::ptrdiff_t>(held);
    split_.holdout.insert(split_.holdout.end(), members.begin(), end);
    split_.train.insert(split_.train.end(), end, members.end());
  }

  Split finish() {
    std::sort(split_.train.begin(), split_.train.end());
    std::sort(split_.holdout.begin(), split_.holdout.end());
    return std::move(split_);
  }

 private:
  const double fraction_;
  Random random_;
  std::size_t seen_ = 0;
  Split split_;
};

}  // namespace

Split split_holdout(std::uint64_t rows, Labels labels, bool by_class, double fraction,
                    std::uint64_t seed) {
  Rows all(rows);
  std::iota(all.begin(), all.end(), 0);
  Holdout holdout(fraction, seed);
  if (by_class) {
    for (auto& [label, members] : by_label(all, labels)) holdout.take_from(std::move(members));
  } else {
    holdout.take_from(std::move(all));
  }
  return holdout.finish();
}

std::vector<Rows> partition_rows(const Rows& rows, Labels labels, const PartitionSpec& spec) {
  std::vector<Rows> parts;
  switch (spec.by) {
    case PartitionBy::iid:
      parts = partition_iid(rows, spec);
      break;
    case PartitionBy::label:
      parts = partition_by_label(rows, labels, spec);
      break;
    case PartitionBy::dirichlet:
      parts = partition_dirichlet(rows, labels, spec);
      break;
  }
  for (auto& part : parts) std::sort(part.begin(), part.end());
  return parts;
}

}  // namespace skerry::runtime
