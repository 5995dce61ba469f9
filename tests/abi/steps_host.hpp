// A host for the plugin of steps.c, with the structs of the skerry/abi.h on the include path.
#pragma once

#include <gtest/gtest.h>
#include <skerry/abi.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

namespace skerry_test {

// A struct, and behind it what nobody may look at who goes by its size.
template <class Struct>
struct Fenced {
  Fenced() {
    value.struct_size = sizeof(value);
    beyond.fill(0x5a);
  }
  Struct value = {};
  std::array<unsigned char, 64> beyond;
};

class StepsHost {
 public:
  using Instance = std::unique_ptr<skerry_instance, void (*)(skerry_instance*)>;
  using Numbers = std::vector<float>;

  explicit StepsHost(const skerry_entry& entry) : entry_(entry) {
    host.value.abi_major = SKERRY_ABI_MAJOR;
    host.value.abi_minor = SKERRY_ABI_MINOR;
    host.value.log = [](const skerry_host*, std::int32_t, const char*) {};
    host.value.get_extension = [](const skerry_host*, const char*) -> const void* {
      return nullptr;
    };
    host.value.cancelled = [](const skerry_host*, std::uint64_t) { return 0; };
    error_.value.struct_size = sizeof(error_.value);
  }

  Instance create(const char* kind) {
    skerry_instance* instance = nullptr;
    expect_ok(entry_.create(&host.value, "steps", kind, {nullptr, 0}, &instance, &error_.value));
    return {instance, entry_.destroy};
  }

  template <class Interface>
  const Interface& interface(const Instance& instance, const char* kind) const {
    return *static_cast<const Interface*>(entry_.get_interface(instance.get(), kind));
  }

  // The mean of {1, 2} and {3, 6}.
  Numbers average(const Instance& instance) {
    const auto& rule = interface<skerry_aggregation_v1>(instance, "aggregation/1");
    const std::array<skerry_update, 2> updates{{{"edge-1", 1, 0.5}, {"edge-2", 1, 0.5}}};
    expect_ok(rule.begin(instance.get(), nullptr, 0, updates.data(), 2, &error_.value));
    const Numbers one{1, 2}, two{3, 6};
    const std::array<const void*, 2> inputs{one.data(), two.data()};
    Numbers output(2);
    tile.value.dtype_code = SKERRY_FLOAT;
    tile.value.dtype_bits = 32;
    tile.value.clients = 2;
    tile.value.count = 2;
    tile.value.inputs = inputs.data();
    tile.value.output = output.data();
    expect_ok(rule.combine(instance.get(), &tile.value, &error_.value));
    return output;
  }

  // {0, 1}, to which training adds 10 of the data and 1 of the round.
  Numbers train(const Instance& instance) {
    const auto& model = interface<skerry_estimator_v1>(instance, "estimator/1");
    Fenced<skerry_dataset_info> info;
    expect_ok(model.prepare(instance.get(), &info.value, 0, &error_.value));
    const float row = 10;
    const std::int64_t rows = 1;
    Fenced<skerry_data> data;
    data.value.info = &info.value;
    data.value.features.data = const_cast<float*>(&row);
    data.value.features.ndim = 1;
    data.value.features.shape = &rows;
    Fenced<skerry_metric_sink> metrics;
    metrics.value.add = [](const skerry_metric_sink*, const char*, double) {};
    params.value.round = 1;
    expect_ok(
        model.train(instance.get(), &data.value, &params.value, &metrics.value, &error_.value));
    const skerry_named_tensor* weights = nullptr;
    std::uint64_t count = 0;
    expect_ok(model.weights(instance.get(), &weights, &count, &error_.value));
    const auto* numbers = static_cast<const float*>(weights->tensor.data);
    return {numbers, numbers + weights->tensor.shape[0]};
  }

  Fenced<skerry_host> host;
  Fenced<skerry_tile> tile;
  Fenced<skerry_train_params> params;

 private:
  void expect_ok(skerry_status status) const {
    EXPECT_EQ(status, SKERRY_OK) << error_.value.message;
  }

  const skerry_entry& entry_;
  Fenced<skerry_error> error_;
};

}  // namespace skerry_test
