#include "core/wire/crc32.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <vector>

namespace skerry::wire {
namespace {

std::uint32_t of_zlib(std::uint32_t crc, Bytes data) {
  return static_cast<std::uint32_t>(
      crc32_z(crc, reinterpret_cast<const Bytef*>(data.data()), data.size()));
}

std::vector<std::byte> noise(std::size_t size) {
  std::mt19937 random(7);
  std::vector<std::byte> bytes(size);
  for (auto& each : bytes) each = static_cast<std::byte>(random());
  return bytes;
}

TEST(Crc32, IsTheOneOfIeee8023) {
  EXPECT_EQ(crc32(0, as_bytes(std::string_view("123456789"))), 0xCBF43926u);
  EXPECT_EQ(crc32(0, {}), 0u);
}

// Whatever is left over beside whole lanes, and wherever it begins.
TEST(Crc32, AgreesWithZlibForEverySizeAndPlace) {
  const auto all = noise(1024);
  for (std::size_t from = 0; from < 17; ++from) {
    for (std::size_t size = 1; size < 600; ++size) {
      const Bytes part = Bytes(all).subspan(from, size);
      ASSERT_EQ(crc32(0, part), of_zlib(0, part)) << size << " bytes at " << from;
    }
  }
}

TEST(Crc32, GoesOn) {
  const auto all = noise(300'000);
  const Bytes whole(all);
  const auto head = crc32(0, whole.first(100'001));
  EXPECT_EQ(crc32(head, whole.subspan(100'001)), of_zlib(0, whole));
}

}  // namespace
}  // namespace skerry::wire
