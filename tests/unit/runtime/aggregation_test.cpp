#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fstream>
#include <mutex>
#include <random>

#include "core/base/file.hpp"
#include "core/base/sanitizer.hpp"
#include "core/runtime/aggregation_driver.hpp"
#include "core/tensor/safetensors.hpp"
#include "tests/unit/runtime/tensor_file.hpp"

namespace skerry::runtime {
namespace {

// The mean weighted by samples, in double, behind the C interface without a shared library.
struct MeanRule {
  std::vector<double> shares;
  std::atomic<int> combined = 0;
  int observed = 0, finished = 0;
  std::uint64_t schema_tensors = 0;
  bool fail_second_tensor = false;

  skerry_instance* instance() { return reinterpret_cast<skerry_instance*>(this); }
  static MeanRule& of(skerry_instance* instance) { return *reinterpret_cast<MeanRule*>(instance); }

  static skerry_status begin(skerry_instance* self, const skerry_named_tensor*,
                             std::uint64_t tensors, const skerry_update* updates,
                             std::uint64_t clients, skerry_error*) {
    auto& rule = of(self);
    rule.schema_tensors = tensors;
    double sum = 0;
    for (std::uint64_t i = 0; i < clients; ++i) sum += static_cast<double>(updates[i].samples);
    rule.shares.clear();
    for (std::uint64_t i = 0; i < clients; ++i)
      rule.shares.push_back(static_cast<double>(updates[i].samples) / sum);
    return SKERRY_OK;
  }
  static skerry_status observe(skerry_instance* self, const skerry_tile*, skerry_error*) {
    ++of(self).observed;
    return SKERRY_OK;
  }
  template <class T>
  void average(const skerry_tile* tile) const {
    for (std::uint64_t i = 0; i < tile->count; ++i) {
      double sum = 0;
      for (std::uint32_t c = 0; c < tile->clients; ++c)
        sum += shares[c] * static_cast<double>(static_cast<const T*>(tile->inputs[c])[i]);
      static_cast<T*>(tile->output)[i] = static_cast<T>(sum);
    }
  }
  static skerry_status combine(skerry_instance* self, const skerry_tile* tile,
                               skerry_error* error) {
    auto& rule = of(self);
    ++rule.combined;
    if (rule.fail_second_tensor && tile->tensor == 1) {
      std::strcpy(error->message, "no second tensor, please");
      return SKERRY_FAILED;
    }
    if (tile->dtype_bits == 32)
      rule.average<float>(tile);
    else
      rule.average<double>(tile);
    return SKERRY_OK;
  }
  static skerry_status finish(skerry_instance* self, skerry_error*) {
    ++of(self).finished;
    return SKERRY_OK;
  }
};

constexpr skerry_aggregation_v1 kMean{sizeof(skerry_aggregation_v1),
                                      0,
                                      MeanRule::begin,
                                      nullptr,
                                      MeanRule::combine,
                                      MeanRule::finish};
constexpr skerry_aggregation_v1 kObservingMean{sizeof(skerry_aggregation_v1),
                                               0,
                                               MeanRule::begin,
                                               MeanRule::observe,
                                               MeanRule::combine,
                                               MeanRule::finish};

class AggregationDriver : public testing::Test {
 protected:
  AggregationTask task_for(std::vector<std::string> files) {
    files_ = std::move(files);
    AggregationTask task{.rule = &kMean,
                         .instance = rule_.instance(),
                         .who = "the mean",
                         .output = dir_.path() / "out"};
    for (std::size_t i = 0; i < files_.size(); ++i) {
      task.inputs.push_back({"update " + std::to_string(i), as_bytes(files_[i])});
      task.updates.push_back({"node", 10 * (i + 1), 0.5});
    }
    return task;
  }

  std::string run(const AggregationTask& task) {
    const auto result = run_aggregation(task);
    EXPECT_TRUE(result) << result.error().text();
    auto text = read_file(task.output).value();
    EXPECT_EQ(result->size, text.size());
    EXPECT_EQ(result->digest, digest_of(as_bytes(text)));
    return text;
  }

  TempDir dir_ = TempDir::create().value();
  std::vector<std::string> files_;  // what the task's inputs are
  MeanRule rule_;
};

std::vector<float> random_floats(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (auto& value : values) value = normal(generator);
  return values;
}

TEST_F(AggregationDriver, AgreesWithAReferenceInDouble) {
  constexpr std::size_t kCount = 100'003;
  std::vector<std::vector<float>> updates;
  std::vector<std::string> files;
  for (unsigned i = 0; i < 3; ++i) {
    updates.push_back(random_floats(kCount, i));
    files.push_back(
        tensor_file({{"w", "F32", {static_cast<std::int64_t>(kCount)}, raw(updates[i])}}));
  }
  const auto result = values_of<float>(run(task_for(files)), "w");
  for (std::size_t i = 0; i < kCount; ++i) {
    const double expected =
        (10.0 * updates[0][i] + 20.0 * updates[1][i] + 30.0 * updates[2][i]) / 60;
    ASSERT_NEAR(result[i], expected, 1e-6 * std::max(1.0, std::abs(expected)));
  }
  EXPECT_EQ(rule_.finished, 1);
}

TEST_F(AggregationDriver, GivesTheSameBitsForAnyThreadsAndTiles) {
  std::vector<std::string> files;
  for (unsigned i = 0; i < 4; ++i)
    files.push_back(tensor_file({{"a", "F32", {301, 333}, raw(random_floats(301 * 333, i))},
                                 {"b", "F32", {7}, raw(random_floats(7, 100 + i))}}));
  auto task = task_for(files);
  const auto reference = run(task);
  for (std::uint32_t threads : {1u, 2u, 3u}) {
    for (std::uint64_t tile : {1000u, 4096u, 1u << 20}) {
      task.threads = threads;
      task.tile_elements = tile;
      EXPECT_EQ(run(task), reference) << threads << " threads, tiles of " << tile;
    }
  }
}

TEST_F(AggregationDriver, ConvertsEveryElementType) {
  const auto file = [](double x) {
    const auto integer = static_cast<std::int64_t>(x);
    const auto half = static_cast<std::uint16_t>(x == 1 ? 0x3c00 : 0x4200);    // 1 or 3
    const auto bfloat = static_cast<std::uint16_t>(x == 1 ? 0x3f80 : 0x4040);  // 1 or 3
    return tensor_file(
        {{"f64", "F64", {2}, raw(std::vector<double>{x, 1e300 * x})},
         {"f32", "F32", {1}, raw(std::vector<float>{static_cast<float>(x)})},
         {"i64", "I64", {}, raw(std::vector<std::int64_t>{integer * 1000})},
         {"i32", "I32", {1}, raw(std::vector<std::int32_t>{static_cast<std::int32_t>(-integer)})},
         {"f16", "F16", {1}, raw(std::vector<std::uint16_t>{half})},
         {"bf16", "BF16", {1}, raw(std::vector<std::uint16_t>{bfloat})},
         {"i16", "I16", {1}, raw(std::vector<std::int16_t>{static_cast<std::int16_t>(integer)})},
         {"u8", "U8", {1}, raw(std::vector<std::uint8_t>{static_cast<std::uint8_t>(integer)})},
         {"i8", "I8", {1}, raw(std::vector<std::int8_t>{static_cast<std::int8_t>(-integer)})},
         {"flag", "BOOL", {2}, std::string("\0\1", 2)}});
  };
  auto task = task_for({file(1), file(3)});
  task.updates[1].samples = task.updates[0].samples;
  const auto result = run(task);
  EXPECT_EQ(values_of<double>(result, "f64"), (std::vector<double>{2, 2e300}));
  EXPECT_EQ(values_of<float>(result, "f32"), (std::vector<float>{2}));
  EXPECT_EQ(values_of<std::int64_t>(result, "i64"), (std::vector<std::int64_t>{2000}));
  EXPECT_EQ(values_of<std::int32_t>(result, "i32"), (std::vector<std::int32_t>{-2}));
  EXPECT_EQ(values_of<std::uint16_t>(result, "f16"), (std::vector<std::uint16_t>{0x4000}));
  EXPECT_EQ(values_of<std::uint16_t>(result, "bf16"), (std::vector<std::uint16_t>{0x4000}));
  EXPECT_EQ(values_of<std::int16_t>(result, "i16"), (std::vector<std::int16_t>{2}));
  EXPECT_EQ(values_of<std::uint8_t>(result, "u8"), (std::vector<std::uint8_t>{2}));
  EXPECT_EQ(values_of<std::int8_t>(result, "i8"), (std::vector<std::int8_t>{-2}));
  EXPECT_EQ(values_of<std::uint8_t>(result, "flag"), (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(rule_.schema_tensors, 10u);
}

TEST_F(AggregationDriver, FindsTensorsByNameWhateverTheirOrder) {
  const auto a = raw(std::vector<float>{1, 2}), b = raw(std::vector<float>{5});
  auto task = task_for({tensor_file({{"a", "F32", {2}, a}, {"b", "F32", {1}, b}}),
                        tensor_file({{"b", "F32", {1}, b}, {"a", "F32", {2}, a}})});
  EXPECT_EQ(values_of<float>(run(task), "b"), (std::vector<float>{5}));
}

TEST_F(AggregationDriver, ShowsEveryTileFirstToARuleThatObserves) {
  auto task = task_for({tensor_file({{"a", "F32", {10}, raw(random_floats(10, 1))}})});
  task.rule = &kObservingMean;
  task.tile_elements = 4;
  run(task);
  EXPECT_EQ(rule_.observed, 3);
  EXPECT_EQ(rule_.combined, 3);
}

TEST_F(AggregationDriver, NamesTheInputThatHasAnotherStructure) {
  auto task = task_for({tensor_file({{"a", "F32", {2}, raw(std::vector<float>{1, 2})}}),
                        tensor_file({{"a", "F32", {3}, raw(std::vector<float>{1, 2, 3})}})});
  const auto result = run_aggregation(task);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().where, "update 1");
  EXPECT_FALSE(std::filesystem::exists(task.output));
}

TEST_F(AggregationDriver, RefusesABaseOfAnotherStructure) {
  auto task = task_for({tensor_file({{"a", "F32", {2}, raw(std::vector<float>{1, 2})}})});
  const auto base = tensor_file({{"b", "F32", {2}, raw(std::vector<float>{1, 2})}});
  task.base = AggregationSource{"base", as_bytes(base)};
  const auto result = run_aggregation(task);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().where, "update 0");
}

TEST_F(AggregationDriver, StopsAtTheFirstErrorAndLeavesNoFile) {
  const auto values = random_floats(1000, 1);
  auto task = task_for({tensor_file(
      {{"a", "F32", {10}, raw(random_floats(10, 2))}, {"b", "F32", {1000}, raw(values)}})});
  task.tile_elements = 10;
  task.threads = 2;
  rule_.fail_second_tensor = true;
  const auto result = run_aggregation(task);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "no second tensor, please");
  EXPECT_LE(rule_.combined, 4);
  EXPECT_EQ(rule_.finished, 0);
  EXPECT_FALSE(std::filesystem::exists(task.output));
}

TEST_F(AggregationDriver, StopsWhenItIsCancelled) {
  auto task = task_for({tensor_file({{"a", "F32", {10}, raw(random_floats(10, 2))}})});
  task.cancelled = [] { return true; };
  EXPECT_EQ(run_aggregation(task).error().code, Code::cancelled);
}

TEST_F(AggregationDriver, RefusesAnUpdateWithoutSamples) {
  auto task = task_for({tensor_file({{"a", "F32", {1}, raw(std::vector<float>{1})}})});
  task.updates[0].samples = 0;
  EXPECT_EQ(run_aggregation(task).error().code, Code::invalid_argument);
}

// Kilobytes of this process that are in memory now.
long resident_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
  return -1;
}

TEST_F(AggregationDriver, NeedsLittleMemoryForLargeMappedFiles) {
  constexpr std::int64_t kCount = 8 << 20;  // 32 MiB
  std::vector<MappedFile> files;
  AggregationTask task = task_for({});
  for (int i = 0; i < 6; ++i) {
    const auto path = dir_.path() / std::to_string(i);
    {
      std::vector<float> values(kCount, static_cast<float>(i));
      const std::string bytes = tensor_file({{"w", "F32", {kCount}, raw(values)}});
      std::ofstream(path, std::ios::binary)
          .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
    files.push_back(MappedFile::open(path).value());
    task.inputs.push_back({"update", files.back().bytes(), true});
    task.updates.push_back({"node", 1, 0.0});
  }
  task.threads = 2;
  long largest = 0;
  std::mutex mutex;
  task.cancelled = [&] {  // asked once a tile
    std::lock_guard lock(mutex);
    largest = std::max(largest, resident_kb());
    return false;
  };
  const long before = resident_kb();
  ASSERT_TRUE(run_aggregation(task));
  // A sanitizer has a shadow of every page that was looked at.
  if (!kSanitized) EXPECT_LT(largest - before, 40 * 1024) << "kB";
  EXPECT_EQ(values_of<float>(read_file(task.output).value(), "w")[12345], 2.5f);
}

}  // namespace
}  // namespace skerry::runtime
