// A dataset plugin's feature with its answers as C++ values.
#pragma once

#include <gtest/gtest.h>

#include <numeric>

#include "plugin_under_test.hpp"

namespace skerry_test {

class DatasetUnderTest {
 public:
  DatasetUnderTest(PluginUnderTest& plugin, const std::string& id, const nlohmann::json& config)
      : dataset_(plugin.create<skerry_dataset_v1>(id, config)) {
    info.struct_size = sizeof(info);
    const Outcome outcome = dataset_.call(&skerry_dataset_v1::info, &info);
    EXPECT_TRUE(outcome.ok()) << outcome;
  }

  std::vector<std::int64_t> shape() const { return {info.shape, info.shape + info.ndim}; }
  std::size_t row_size() const {
    std::size_t size = 1;
    for (const std::int64_t extent : shape()) size *= static_cast<std::size_t>(extent);
    return size;
  }

  std::vector<std::int64_t> classes() { return labels<std::int64_t>(SKERRY_INT, 64); }
  std::vector<float> reals() { return labels<float>(SKERRY_FLOAT, 32); }

  std::vector<float> read(const std::vector<std::uint64_t>& rows) {
    std::vector<float> features(rows.size() * row_size());
    const Outcome outcome = read_outcome(rows, features.data());
    EXPECT_TRUE(outcome.ok()) << outcome;
    return features;
  }
  std::vector<float> read_all() {
    std::vector<std::uint64_t> rows(info.rows);
    std::iota(rows.begin(), rows.end(), std::uint64_t{0});
    return read(rows);
  }
  Outcome read_outcome(const std::vector<std::uint64_t>& rows, float* features) {
    return dataset_.call(&skerry_dataset_v1::read, rows.data(), rows.size(), features);
  }

  skerry_dataset_info info = {};

 private:
  template <class T>
  std::vector<T> labels(std::uint8_t code, std::uint8_t bits) {
    skerry_tensor tensor = {};
    const Outcome outcome = dataset_.call(&skerry_dataset_v1::labels, &tensor);
    EXPECT_TRUE(outcome.ok()) << outcome;
    EXPECT_EQ(tensor.dtype_code, code);
    EXPECT_EQ(tensor.dtype_bits, bits);
    if (tensor.ndim != 1 || tensor.shape[0] != static_cast<std::int64_t>(info.rows)) {
      ADD_FAILURE() << "one label a row is wanted";
      return {};
    }
    const T* first = static_cast<const T*>(tensor.data);
    return {first, first + info.rows};
  }

  Instance<skerry_dataset_v1> dataset_;
};

}  // namespace skerry_test
