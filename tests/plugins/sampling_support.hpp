// Gives a filter examples through the C ABI.
//
//   Filter filter("margin", "margin", {{"threshold", 0.3}});
//   filter.judge(predictions({{0.2F, 0.8F}}))[0].hard
#pragma once

#include <gtest/gtest.h>
#include <skerry/abi.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "plugin_under_test.hpp"

namespace sampling_test {

using Json = nlohmann::json;
using Rows = std::vector<std::vector<float>>;  // of one length each
using skerry_test::Instance;
using skerry_test::Outcome;
using skerry_test::PluginUnderTest;

// Features and predictions, one row an example. What has no rows is not at hand.
struct Examples {
  Rows features;
  std::vector<std::int64_t> shape;  // of one example's features: channels, height, width
  Rows predictions;
  std::size_t count = 0;  // where neither is at hand

  std::size_t rows() const { return std::max({features.size(), predictions.size(), count}); }
};

inline Examples features(Rows rows, std::vector<std::int64_t> shape) {
  return {std::move(rows), std::move(shape), {}, 0};
}
inline Examples predictions(Rows rows) {
  return {{}, {}, std::move(rows), 0};
}
inline Examples nothing_of(std::size_t count) {
  return {{}, {}, {}, count};
}

struct Judged {
  double score = -1;
  bool hard = false;
  bool operator==(const Judged&) const = default;
};

// The rows as one dense tensor, which lives as long as this object.
class RowsTensor {
 public:
  RowsTensor(const Rows& rows, const std::vector<std::int64_t>& shape) : shape_(shape) {
    shape_.insert(shape_.begin(), static_cast<std::int64_t>(rows.size()));
    std::int64_t size = 1;
    for (const std::int64_t extent : shape_) size *= extent;
    for (const auto& row : rows) values_.insert(values_.end(), row.begin(), row.end());
    EXPECT_EQ(static_cast<std::int64_t>(values_.size()), size) << "the rows have another shape";
    values_.push_back(0);  // rows of no values are at hand too: their data is not NULL
    if (rows.empty()) return;
    tensor_ = {values_.data(), SKERRY_CPU, 0, static_cast<std::int32_t>(shape_.size()),
               SKERRY_FLOAT,   32,         1, shape_.data(),
               nullptr,        0};
  }
  RowsTensor(const RowsTensor&) = delete;
  RowsTensor& operator=(const RowsTensor&) = delete;
  const skerry_tensor& abi() const { return tensor_; }

 private:
  std::vector<std::int64_t> shape_;
  std::vector<float> values_;
  skerry_tensor tensor_ = {};
};

// A filter that remembers what it was given, as in a job.
class Filter {
 public:
  Filter(const std::string& plugin, const std::string& id, const Json& config = Json::object())
      : plugin_(plugin), filter_(plugin_.create<skerry_sampling_v1>(id, config)) {}

  std::uint32_t needs() {
    std::uint32_t needs = ~0U;
    const Outcome outcome = filter_.call(&skerry_sampling_v1::needs, &needs);
    EXPECT_TRUE(outcome.ok()) << outcome;
    return needs;
  }

  // One for each example; fails the test where the filter refuses.
  std::vector<Judged> judge(const Examples& examples) {
    std::vector<Judged> judged;
    const Outcome outcome = try_judge(examples, judged);
    EXPECT_TRUE(outcome.ok()) << outcome;
    return judged;
  }

  Outcome try_judge(const Examples& examples, std::vector<Judged>& judged) {
    const std::size_t rows = examples.rows();
    const std::vector<std::int64_t> outputs(
        1, examples.predictions.empty()
               ? 0
               : static_cast<std::int64_t>(examples.predictions[0].size()));
    const RowsTensor features(examples.features, examples.shape);
    const RowsTensor predictions(examples.predictions, outputs);
    const skerry_examples given = {sizeof(given), 0, rows, features.abi(), predictions.abi()};
    std::vector<double> scores(rows, -1);
    std::vector<std::uint8_t> hard(rows, 2);
    Outcome outcome = filter_.call(&skerry_sampling_v1::judge, &given, scores.data(), hard.data());
    judged.clear();
    for (std::size_t row = 0; outcome.ok() && row < rows; ++row) {
      EXPECT_LE(hard[row], 1) << "row " << row;
      judged.push_back({scores[row], hard[row] == 1});
    }
    return outcome;
  }

 private:
  PluginUnderTest plugin_;
  Instance<skerry_sampling_v1> filter_;
};

// What a fresh filter says to all of them at once.
inline std::vector<Judged> judge(const std::string& plugin, const std::string& id,
                                 const Json& config, const Examples& examples) {
  return Filter(plugin, id, config).judge(examples);
}

}  // namespace sampling_test
