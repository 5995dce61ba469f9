// The codecs, from a node to the cloud.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <random>

#include "plugin_under_test.hpp"

using namespace skerry_test;
using testing::HasSubstr;

namespace {

// float32 tensors of one dimension, and what a codec gives.
class Tensors {
 public:
  Tensors() = default;
  Tensors(const Tensors&) = delete;
  Tensors& operator=(const Tensors&) = delete;

  void add(const skerry_named_tensor& tensor) {
    std::size_t bytes = tensor.tensor.dtype_bits / 8;
    for (int i = 0; i < tensor.tensor.ndim; ++i)
      bytes *= static_cast<std::size_t>(tensor.tensor.shape[i]);
    One& one = all_.emplace_back();
    one.name = tensor.name;
    one.shape.assign(tensor.tensor.shape, tensor.tensor.shape + tensor.tensor.ndim);
    one.bytes.resize(bytes);
    std::memcpy(one.bytes.data(), tensor.tensor.data, bytes);
    views.push_back({one.name.c_str(), tensor.tensor});
    views.back().tensor.data = one.bytes.data();
    views.back().tensor.shape = one.shape.data();
  }
  void add(const std::string& name, std::vector<float> values) {
    const auto size = static_cast<std::int64_t>(values.size());
    add({name.c_str(), {values.data(), SKERRY_CPU, 0, 1, SKERRY_FLOAT, 32, 1, &size, nullptr, 0}});
  }
  template <class T>
  std::vector<T> values(const std::string& name) const {
    for (const One& one : all_) {
      if (one.name != name) continue;
      std::vector<T> values(one.bytes.size() / sizeof(T));
      std::memcpy(values.data(), one.bytes.data(), one.bytes.size());
      return values;
    }
    ADD_FAILURE() << "no tensor " << name;
    return {};
  }
  template <class T>
  void set(const std::string& name, std::size_t index, T value) {
    for (One& one : all_)
      if (one.name == name) std::memcpy(one.bytes.data() + index * sizeof(T), &value, sizeof(T));
  }
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const One& one : all_) sum += one.bytes.size();
    return sum;
  }

  std::vector<skerry_named_tensor> views;

 private:
  struct One {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<char> bytes;
  };
  std::deque<One> all_;
};

using Codec = Instance<skerry_codec_v1>;

Outcome encode(Codec& codec, const Tensors& update, const Tensors& base, Tensors& encoded) {
  const skerry_tensor_sink sink = {
      sizeof(sink), 0, &encoded,
      [](const skerry_tensor_sink* self, const skerry_named_tensor* tensor) -> skerry_status {
        static_cast<Tensors*>(self->ctx)->add(*tensor);
        return SKERRY_OK;
      }};
  return codec.call(&skerry_codec_v1::encode, update.views.data(), base.views.data(),
                    std::uint64_t{update.views.size()}, &sink);
}
Outcome decode(Codec& codec, const Tensors& encoded, const Tensors& base, Tensors& update) {
  return codec.call(&skerry_codec_v1::decode, encoded.views.data(),
                    std::uint64_t{encoded.views.size()}, base.views.data(), update.views.data(),
                    std::uint64_t{base.views.size()});
}
// Of one tensor "w".
std::vector<float> sent(Codec& codec, const std::vector<float>& update,
                        const std::vector<float>& base) {
  Tensors from, to, encoded, arrived;
  from.add("w", update);
  to.add("w", base);
  arrived.add("w", std::vector<float>(base.size(), NAN));
  EXPECT_TRUE(encode(codec, from, to, encoded).ok());
  const Outcome outcome = decode(codec, encoded, to, arrived);
  EXPECT_TRUE(outcome.ok()) << outcome;
  return arrived.values<float>("w");
}

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

}  // namespace

TEST(Int8, BringsEachElementToWithinHalfAStepInAQuarterOfTheBytes) {
  PluginUnderTest plugin("int8");
  auto codec = plugin.create<skerry_codec_v1>("int8");
  const auto base = random_values(10'000, 1), update = random_values(10'000, 2);
  double largest = 0;
  for (std::size_t i = 0; i < base.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(update[i]) - base[i]));
  const auto arrived = sent(codec, update, base);
  for (std::size_t i = 0; i < base.size(); ++i)
    ASSERT_LE(std::abs(static_cast<double>(arrived[i]) - update[i]), largest / 127 / 2 * 1.001)
        << i;
  Tensors from, to, encoded;
  from.add("w", update);
  to.add("w", base);
  ASSERT_TRUE(encode(codec, from, to, encoded).ok());
  EXPECT_EQ(encoded.bytes(), 10'000u + sizeof(float));
}

TEST(Int8, RefusesAScaleThatIsNone) {
  PluginUnderTest plugin("int8");
  auto codec = plugin.create<skerry_codec_v1>("int8");
  for (const float scale : {NAN, INFINITY, -1.0F}) {
    Tensors update, base, encoded, arrived;
    update.add("w", {1, 2});
    base.add("w", {0, 0});
    arrived.add("w", {0, 0});
    ASSERT_TRUE(encode(codec, update, base, encoded).ok());
    encoded.set("w#scale", 0, scale);
    const Outcome outcome = decode(codec, encoded, base, arrived);
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT);
    EXPECT_EQ(outcome.message, "`w#scale` is no scale");
  }
}

TEST(TopK, SendsTheLargestChangesAndKeepsTheRestForTheNextUpdate) {
  PluginUnderTest plugin("top-k");
  auto codec = plugin.create<skerry_codec_v1>("top-k", {{"keep", 0.25}});
  const std::vector<float> base(8, 10);
  EXPECT_EQ(sent(codec, {11, 10, 7, 10, 12, 10, 10.5F, 10}, base),
            (std::vector<float>{10, 10, 7, 10, 12, 10, 10, 10}));
  // Nothing new: what was left out comes now.
  EXPECT_EQ(sent(codec, base, base), (std::vector<float>{11, 10, 10, 10, 10, 10, 10.5F, 10}));
  EXPECT_EQ(sent(codec, base, base), base);
}

TEST(TopK, SendsTheWholeChangeInTheEnd) {
  PluginUnderTest plugin("top-k");
  auto codec = plugin.create<skerry_codec_v1>("top-k", {{"keep", 0.1}});
  const auto update = random_values(1000, 3);
  const std::vector<float> base(1000, 0);
  std::vector<float> sum(1000, 0);
  for (int round = 0; round < 10; ++round) {
    const auto arrived = sent(codec, round == 0 ? update : base, base);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += arrived[i];
  }
  EXPECT_EQ(sum, update);
}

TEST(TopK, RefusesPlacesThatDoNotAscendOrDoNotExist) {
  PluginUnderTest plugin("top-k");
  auto codec = plugin.create<skerry_codec_v1>("top-k", {{"keep", 0.5}});
  for (const auto& places :
       std::vector<std::vector<std::int32_t>>{{1, 1}, {2, 0}, {-1, 2}, {0, 4}}) {
    Tensors update, base, encoded, arrived;
    update.add("w", {1, 2, 3, 4});
    base.add("w", {0, 0, 0, 0});
    arrived.add("w", {0, 0, 0, 0});
    ASSERT_TRUE(encode(codec, update, base, encoded).ok());
    for (std::size_t i = 0; i < 2; ++i) encoded.set("w#places", i, places[i]);
    const Outcome outcome = decode(codec, encoded, base, arrived);
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT);
    EXPECT_EQ(outcome.message, "`w#places` must ascend and be below 4");
  }
}

TEST(TopK, ForgetsAnUpdateThatIsNotFinite) {
  PluginUnderTest plugin("top-k");
  auto codec = plugin.create<skerry_codec_v1>("top-k", {{"keep", 0.5}});
  Tensors update, base, encoded;
  update.add("w", {1, NAN});
  base.add("w", {0, 0});
  EXPECT_THAT(encode(codec, update, base, encoded).message, HasSubstr("`w` is not finite"));
  EXPECT_EQ(sent(codec, {0, 3}, {0, 0}), (std::vector<float>{0, 3}));
}
