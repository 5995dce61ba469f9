#include "core/tensor/distance.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "core/tensor/safetensors.hpp"

namespace skerry::tensor {
namespace {

// A file of one tensor of floats and one of integers.
struct File {
  File(std::vector<float> floats, std::vector<std::int32_t> integers) {
    std::vector<TensorSpec> specs{{"w", "F32", {static_cast<std::int64_t>(floats.size())}},
                                  {"n", "I32", {static_cast<std::int64_t>(integers.size())}}};
    bytes = encode_header(specs);
    bytes.append(reinterpret_cast<const char*>(floats.data()), 4 * floats.size());
    bytes.append(reinterpret_cast<const char*>(integers.data()), 4 * integers.size());
    layout = parse_layout(as_bytes(bytes), bytes.size()).value();
  }
  Tensors tensors() const { return {layout, as_bytes(bytes)}; }
  std::string bytes;
  Layout layout;
};

std::string moved(const File& update, const File& base, double factor) {
  std::string out;
  const auto status =
      move_towards_base(update.tensors(), base.tensors(), factor, [&](Bytes bytes) -> Status {
        out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
      });
  EXPECT_TRUE(status);
  return out;
}

TEST(Distance, IsEuclideanOverFloatsAlone) {
  EXPECT_EQ(distance(File({4, 6}, {1}).tensors(), File({1, 2}, {9}).tensors()), 5);
  EXPECT_EQ(distance(File({1, 2}, {1}).tensors(), File({1, 2}, {1}).tensors()), 0);
}

TEST(Distance, CoversEveryBlockOfALargeTensor) {
  const File base(std::vector<float>(100'000, 1), {});
  std::vector<float> values(100'000, 1);
  values.front() = values[50'000] = values.back() = 2;
  EXPECT_DOUBLE_EQ(distance(File(values, {}).tensors(), base.tensors()), std::sqrt(3.0));
}

TEST(Distance, OfHugeValuesIsInfiniteAndNoFault) {
  std::vector<TensorSpec> specs{{"w", "F64", {1}}};
  const auto file = [&](double value) {
    std::string bytes = encode_header(specs);
    return bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const std::string update = file(1e308), base = file(-1e308);
  const Layout layout = parse_layout(as_bytes(update), update.size()).value();
  EXPECT_TRUE(std::isinf(distance({layout, as_bytes(update)}, {layout, as_bytes(base)})));
}

TEST(MovingTowardsTheBase, ScalesFloatsAndLeavesIntegers) {
  const File update({5, 10}, {7}), base({1, 2}, {9});
  EXPECT_EQ(moved(update, base, 0.25), File({2, 4}, {7}).bytes);
  EXPECT_EQ(moved(update, base, 1), update.bytes);
  EXPECT_EQ(moved(update, base, 0), File({1, 2}, {7}).bytes);
}

}  // namespace
}  // namespace skerry::tensor
