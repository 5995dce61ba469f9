#include "core/tensor/tile_codec.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace skerry::tensor {
namespace {

template <class Stored, class Tile>
Stored encode_one(Element element, Tile value) {
  Stored stored{};
  EXPECT_TRUE(encode_tile(element, &value, 1, reinterpret_cast<std::byte*>(&stored)));
  return stored;
}

template <class Tile, class Stored>
Tile decode_one(Element element, Stored stored) {
  Tile value{};
  decode_tile(element, reinterpret_cast<const std::byte*>(&stored), 1, &value);
  return value;
}

TEST(TileCodec, EveryHalfSurvivesBothWays) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = decode_one<float>(Element::f16, half);
    if (std::isnan(value)) continue;
    EXPECT_EQ(encode_one<std::uint16_t>(Element::f16, value), half);
  }
}

TEST(TileCodec, EveryBfloatSurvivesBothWays) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto stored = static_cast<std::uint16_t>(bits);
    const float value = decode_one<float>(Element::bf16, stored);
    if (std::isnan(value)) continue;
    EXPECT_EQ(encode_one<std::uint16_t>(Element::bf16, value), stored);
  }
}

TEST(TileCodec, HalvesHaveTheirStandardValues) {
  EXPECT_EQ(decode_one<float>(Element::f16, std::uint16_t{0x3c00}), 1.0f);
  EXPECT_EQ(decode_one<float>(Element::f16, std::uint16_t{0x7bff}), 65504.0f);
  EXPECT_EQ(decode_one<float>(Element::f16, std::uint16_t{0x0001}), 0x1p-24f);
  EXPECT_EQ(encode_one<std::uint16_t>(Element::f16, 1.0f + 0x1p-11f),
            0x3c00);  // a tie goes to even
  EXPECT_EQ(encode_one<std::uint16_t>(Element::f16, 1.0f + 3 * 0x1p-11f), 0x3c02);
  EXPECT_EQ(encode_one<std::uint16_t>(Element::f16, 65520.0f), 0x7c00);
  EXPECT_EQ(encode_one<std::uint16_t>(Element::f16, 65519.0f), 0x7bff);
  EXPECT_EQ(encode_one<std::uint16_t>(Element::bf16, 1.0f + 0x1p-8f), 0x3f80);
  EXPECT_TRUE(std::isnan(
      decode_one<float>(Element::f16, encode_one<std::uint16_t>(Element::f16, std::nanf("")))));
}

TEST(TileCodec, IntegersAreRoundedToNearestAndLimited) {
  EXPECT_EQ((encode_one<std::int64_t, double>(Element::i64, 2.5)), 2);
  EXPECT_EQ((encode_one<std::int64_t, double>(Element::i64, -3.5)), -4);
  EXPECT_EQ((encode_one<std::int64_t, double>(Element::i64, 1e30)),
            std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ((encode_one<std::int8_t, double>(Element::i8, -1e9)), -128);
  EXPECT_EQ((encode_one<std::uint8_t, double>(Element::u8, 254.6)), 255);
  EXPECT_EQ((encode_one<std::uint8_t, double>(Element::boolean, 0.51)), 1);
  EXPECT_EQ((decode_one<double>(Element::i32, std::int32_t{-7})), -7.0);
}

TEST(TileCodec, RefusesToStoreNanAsAnInteger) {
  const double nan = std::nan("");
  std::int32_t stored = 0;
  EXPECT_FALSE(encode_tile(Element::i32, &nan, 1, reinterpret_cast<std::byte*>(&stored)));
}

}  // namespace
}  // namespace skerry::tensor
