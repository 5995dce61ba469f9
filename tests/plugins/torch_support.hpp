// The estimator "torch" behind the C ABI, with plain C++ values in and out, and small data sets to
// train it on.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "plugin_under_test.hpp"

namespace torch_test {

using Json = nlohmann::json;
using skerry_test::Outcome;
using MetricValues = std::map<std::string, double>;

struct Rows {
  std::vector<std::int64_t> shape;  // of one row
  std::vector<float> features;
  std::vector<std::int64_t> classes;  // the labels, or
  std::vector<float> reals;           // these
  std::uint32_t class_count = 0;

  std::int64_t count() const { return static_cast<std::int64_t>(classes.size() + reals.size()); }
  std::size_t row_size() const {
    std::size_t size = 1;
    for (std::int64_t extent : shape) size *= static_cast<std::size_t>(extent);
    return size;
  }
};

// A copy of a tensor that the estimator lent.
struct Weight {
  std::string name;
  std::uint8_t dtype_code = 0, dtype_bits = 0;
  std::vector<std::int64_t> shape;
  std::string bytes;

  friend bool operator==(const Weight&, const Weight&) = default;
};

inline skerry_tensor tensor_of(const void* data, const std::vector<std::int64_t>& shape,
                               std::uint8_t code, std::uint8_t bits) {
  skerry_tensor tensor = {};
  tensor.data = const_cast<void*>(data);
  tensor.device_type = SKERRY_CPU;
  tensor.ndim = static_cast<std::int32_t>(shape.size());
  tensor.dtype_code = code;
  tensor.dtype_bits = bits;
  tensor.dtype_lanes = 1;
  tensor.shape = shape.data();
  return tensor;
}

inline skerry_test::PluginUnderTest& plugin() {
  static skerry_test::PluginUnderTest plugin("torch");
  return plugin;
}

inline skerry_dataset_info info_of(const Rows& rows) {
  skerry_dataset_info info = {};
  info.struct_size = sizeof(info);
  info.ndim = static_cast<std::uint32_t>(rows.shape.size());
  for (std::size_t i = 0; i < rows.shape.size(); ++i) info.shape[i] = rows.shape[i];
  info.rows = static_cast<std::uint64_t>(rows.count());
  info.label_kind = rows.class_count > 0 ? SKERRY_LABEL_CLASS : SKERRY_LABEL_REAL;
  info.classes = rows.class_count;
  return info;
}

class Estimator {
 public:
  explicit Estimator(const Json& config)
      : instance_(plugin().create<skerry_estimator_v1>("torch", config)) {}

  Outcome try_prepare(const Rows& rows, std::uint64_t seed) {
    const skerry_dataset_info info = info_of(rows);
    return instance_.call(&skerry_estimator_v1::prepare, &info, seed);
  }
  Estimator& prepare(const Rows& rows, std::uint64_t seed) {
    const Outcome outcome = try_prepare(rows, seed);
    EXPECT_TRUE(outcome.ok()) << outcome;
    return *this;
  }

  std::vector<Weight> weights() {
    const skerry_named_tensor* lent = nullptr;
    std::uint64_t count = 0;
    const Outcome outcome = instance_.call(&skerry_estimator_v1::weights, &lent, &count);
    EXPECT_TRUE(outcome.ok()) << outcome;
    std::vector<Weight> result;
    for (std::uint64_t i = 0; i < count; ++i) result.push_back(copy_of(lent[i]));
    return result;
  }

  Outcome try_set_weights(const std::vector<Weight>& weights) {
    std::vector<skerry_named_tensor> tensors;
    for (const Weight& each : weights) {
      tensors.push_back({each.name.c_str(), tensor_of(each.bytes.data(), each.shape,
                                                      each.dtype_code, each.dtype_bits)});
    }
    return instance_.call(&skerry_estimator_v1::set_weights,
                          static_cast<const skerry_named_tensor*>(tensors.data()),
                          std::uint64_t{tensors.size()});
  }
  void set_weights(const std::vector<Weight>& weights) {
    const Outcome outcome = try_set_weights(weights);
    EXPECT_TRUE(outcome.ok()) << outcome;
  }

  Outcome try_train(const Rows& rows, std::uint32_t round, std::uint64_t seed,
                    MetricValues* metrics = nullptr) {
    const skerry_train_params params = {sizeof(params), round, seed, 1};
    return with_data(rows, metrics, [&](const skerry_data* data, const skerry_metric_sink* sink) {
      return instance_.call(&skerry_estimator_v1::train, data, &params, sink);
    });
  }
  MetricValues train(const Rows& rows, std::uint32_t round, std::uint64_t seed) {
    MetricValues metrics;
    const Outcome outcome = try_train(rows, round, seed, &metrics);
    EXPECT_TRUE(outcome.ok()) << outcome;
    return metrics;
  }

  Outcome try_evaluate(const Rows& rows, MetricValues* metrics = nullptr) {
    return with_data(rows, metrics, [&](const skerry_data* data, const skerry_metric_sink* sink) {
      return instance_.call(&skerry_estimator_v1::evaluate, data, sink);
    });
  }
  MetricValues evaluate(const Rows& rows) {
    MetricValues metrics;
    const Outcome outcome = try_evaluate(rows, &metrics);
    EXPECT_TRUE(outcome.ok()) << outcome;
    return metrics;
  }

  // Row after row.
  std::vector<float> predict(const Rows& rows, std::vector<std::int64_t>* shape) {
    const std::vector<std::int64_t> batch = batch_shape(rows);
    const skerry_tensor features = tensor_of(rows.features.data(), batch, SKERRY_FLOAT, 32);
    skerry_owned_tensor out = {};
    const Outcome outcome = instance_.call(&skerry_estimator_v1::predict, &features, &out);
    EXPECT_TRUE(outcome.ok()) << outcome;
    if (!outcome.ok()) return {};
    shape->assign(out.tensor.shape, out.tensor.shape + out.tensor.ndim);
    const auto* values = static_cast<const float*>(out.tensor.data);
    std::vector<float> result(values, values + shape->at(0) * shape->at(1));
    out.release(&out);
    EXPECT_EQ(out.release, nullptr);
    return result;
  }

 private:
  static Weight copy_of(const skerry_named_tensor& lent) {
    const skerry_tensor& tensor = lent.tensor;
    Weight weight = {lent.name,
                     tensor.dtype_code,
                     tensor.dtype_bits,
                     {tensor.shape, tensor.shape + tensor.ndim},
                     {}};
    std::size_t bytes = tensor.dtype_bits / 8;
    for (std::int64_t extent : weight.shape) bytes *= static_cast<std::size_t>(extent);
    weight.bytes.assign(static_cast<const char*>(tensor.data) + tensor.byte_offset, bytes);
    return weight;
  }

  static std::vector<std::int64_t> batch_shape(const Rows& rows) {
    std::vector<std::int64_t> shape = rows.shape;
    shape.insert(shape.begin(), static_cast<std::int64_t>(rows.features.size() / rows.row_size()));
    return shape;
  }

  template <class Call>
  Outcome with_data(const Rows& rows, MetricValues* metrics, const Call& call) {
    const skerry_dataset_info info = info_of(rows);
    const std::vector<std::int64_t> shape = batch_shape(rows);
    const std::vector<std::int64_t> label_shape = {rows.count()};
    const skerry_tensor features = tensor_of(rows.features.data(), shape, SKERRY_FLOAT, 32);
    const skerry_tensor labels = rows.class_count > 0
                                     ? tensor_of(rows.classes.data(), label_shape, SKERRY_INT, 64)
                                     : tensor_of(rows.reals.data(), label_shape, SKERRY_FLOAT, 32);
    const skerry_data data = {sizeof(data), 0, &info, features, labels};
    const skerry_metric_sink sink = {
        sizeof(sink), 0, metrics, [](const skerry_metric_sink* to, const char* name, double value) {
          if (to->ctx != nullptr) (*static_cast<MetricValues*>(to->ctx))[name] = value;
        }};
    return call(&data, &sink);
  }

  skerry_test::Instance<skerry_estimator_v1> instance_;
};

// Points around the corners of a triangle, two numbers a row.
inline Rows three_clouds(std::size_t count, std::uint64_t seed) {
  constexpr float kCentre[3][2] = {{0, 3}, {-3, -2}, {3, -2}};
  std::mt19937_64 random(seed);
  std::normal_distribution<float> noise(0, 0.5f);
  Rows rows = {{2}, {}, {}, {}, 3};
  for (std::size_t i = 0; i < count; ++i) {
    rows.classes.push_back(static_cast<std::int64_t>(i % 3));
    for (float centre : kCentre[i % 3]) rows.features.push_back(centre + noise(random));
  }
  return rows;
}

// Images of 1 x 9 x 10 with a bright row (class 0) or a bright column (class 1), somewhere, in
// noise.
inline Rows stripes(std::size_t count, std::uint64_t seed) {
  constexpr std::size_t kHeight = 9, kWidth = 10;
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> noise(0, 0.5f);
  Rows rows = {{1, kHeight, kWidth}, {}, {}, {}, 2};
  for (std::size_t i = 0; i < count; ++i) {
    rows.classes.push_back(static_cast<std::int64_t>(i % 2));
    const std::size_t place = random() % kHeight;
    for (std::size_t y = 0; y < kHeight; ++y) {
      for (std::size_t x = 0; x < kWidth; ++x) {
        const bool bright = (i % 2 == 0 ? y : x) == place;
        rows.features.push_back(noise(random) + (bright ? 0.5f : 0.0f));
      }
    }
  }
  return rows;
}

// y = 2 a - b + 1.
inline Rows a_plane(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> value(-1, 1);
  Rows rows = {{2}, {}, {}, {}, 0};
  for (std::size_t i = 0; i < count; ++i) {
    const float a = value(random), b = value(random);
    rows.features.insert(rows.features.end(), {a, b});
    rows.reals.push_back(2 * a - b + 1);
  }
  return rows;
}

}  // namespace torch_test
