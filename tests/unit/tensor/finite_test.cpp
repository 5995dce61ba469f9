#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "core/tensor/safetensors.hpp"
#include "core/tensor/validate.hpp"

namespace skerry::tensor {
namespace {

template <class Word>
struct File {
  File(const char* dtype, std::size_t count) {
    std::vector<TensorSpec> tensors{{"first", "U8", {3}},
                                    {"w", dtype, {static_cast<std::int64_t>(count)}}};
    // Three bytes before it: its elements are not aligned.
    bytes = encode_header(tensors) + "abc" + std::string(count * sizeof(Word), '\0');
    layout = parse_layout(as_bytes(bytes), bytes.size()).value();
  }
  void set(std::size_t index, Word word) {
    std::memcpy(bytes.data() + layout.data_offset + 3 + index * sizeof word, &word, sizeof word);
  }
  Status check() const { return check_finite(layout, as_bytes(bytes)); }

  std::string bytes;
  Layout layout;
};

TEST(Finite, AcceptsEveryFiniteFloat) {
  File<std::uint32_t> file("F32", 9);
  const float values[] = {0.f,
                          -0.f,
                          1.f,
                          -1.5f,
                          std::numeric_limits<float>::max(),
                          std::numeric_limits<float>::lowest(),
                          std::numeric_limits<float>::min(),
                          std::numeric_limits<float>::denorm_min(),
                          3e38f};
  for (std::size_t i = 0; i < 9; ++i) file.set(i, std::bit_cast<std::uint32_t>(values[i]));
  EXPECT_TRUE(file.check());
}

TEST(Finite, NamesTheTensorAndTheFirstElementThatIsNot) {
  File<std::uint32_t> file("F32", 100'000);
  file.set(70'001, std::bit_cast<std::uint32_t>(std::numeric_limits<float>::quiet_NaN()));
  file.set(90'000, std::bit_cast<std::uint32_t>(std::numeric_limits<float>::infinity()));
  const auto status = file.check();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::invalid_argument);
  EXPECT_NE(status.error().message.find("\"w\""), std::string::npos);
  EXPECT_NE(status.error().message.find("element 70001 of 100000"), std::string::npos)
      << status.error().message;
}

TEST(Finite, FindsOneBadValueAtAnyPlace) {
  for (const std::size_t count : {1u, 2u, 3u, 15u, 17u, 8191u, 8192u, 8193u}) {
    for (const std::size_t index : {std::size_t{0}, count / 2, count - 1}) {
      File<std::uint32_t> file("F32", count);
      file.set(index, 0xff800000u);
      EXPECT_FALSE(file.check()) << index << " of " << count;
    }
  }
}

TEST(Finite, KnowsEveryHalfPrecisionValue) {
  for (std::uint32_t word = 0; word <= 0xffff; ++word) {
    File<std::uint16_t> half("F16", 1);
    half.set(0, static_cast<std::uint16_t>(word));
    ASSERT_EQ(half.check().has_value(), (word >> 10 & 0x1f) != 0x1f) << word;
    File<std::uint16_t> brain("BF16", 1);
    brain.set(0, static_cast<std::uint16_t>(word));
    ASSERT_EQ(brain.check().has_value(), (word >> 7 & 0xff) != 0xff) << word;
  }
}

TEST(Finite, AgreesWithTheStandardLibraryOnRandomDoubles) {
  constexpr unsigned kSeed = 11;
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 20'000; ++i) {
    std::uint64_t word = random();
    if (i % 3 == 0) word |= 0x7ff0000000000000u;
    if (i % 6 == 0) word &= 0xfff0000000000000u;
    File<std::uint64_t> file("F64", 1);
    file.set(0, word);
    ASSERT_EQ(file.check().has_value(), std::isfinite(std::bit_cast<double>(word)))
        << word << ", seed " << kSeed;
  }
}

TEST(Finite, LetsIntegersHaveAnyBits) {
  for (const char* dtype : {"I64", "I32", "I16", "I8", "U8", "BOOL"}) {
    std::vector<TensorSpec> tensors{{"w", dtype, {64}}};
    std::string file = encode_header(tensors);
    file.append(tensors[0].size, '\xff');
    EXPECT_TRUE(check_finite(parse_layout(as_bytes(file), file.size()).value(), as_bytes(file)))
        << dtype;
  }
}

TEST(Finite, ReadsALargeTensorToItsLastElement) {
  constexpr std::size_t kCount = 16 << 20;
  File<std::uint32_t> file("F32", kCount);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(file.check());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  RecordProperty("GB_per_second", std::to_string(4e-9 * kCount / seconds.count()));
  file.set(kCount - 1, 0x7fc00000u);
  EXPECT_FALSE(file.check());
}

TEST(Finite, RefusesAFileShorterThanItsLayout) {
  File<std::uint32_t> file("F32", 4);
  EXPECT_FALSE(check_finite(file.layout, as_bytes(file.bytes).first(file.bytes.size() - 1)));
}

}  // namespace
}  // namespace skerry::tensor
