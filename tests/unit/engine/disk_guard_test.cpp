#include "core/engine/disk_guard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/file.hpp"

namespace skerry::engine {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kMiB = 1 << 20;

class DiskGuardTest : public ::testing::Test {
 protected:
  DiskGuard guard(std::optional<std::uint64_t> low = std::nullopt) {
    return DiskGuard({.directory = directory_.path(),
                      .low = low,
                      .probe = [this](const auto&) -> Result<DiskSpace> { return space_; }});
  }
  bool has_reserve() const { return std::filesystem::exists(directory_.path() / "reserve"); }

  TempDir directory_ = TempDir::create().value();
  DiskSpace space_{100 * kMiB, 90 * kMiB};
};

TEST_F(DiskGuardTest, ChoosesItsMarkByTheSizeOfTheDisk) {
  space_ = {1000 * 1024 * kMiB, 900 * 1024 * kMiB};
  EXPECT_EQ(guard().low_mark(), 10 * 1024 * kMiB);
  space_ = {1024 * kMiB, 900 * kMiB};
  EXPECT_EQ(guard().low_mark(), 64 * kMiB);
  space_ = {16 * kMiB, 15 * kMiB};
  EXPECT_EQ(guard().low_mark(), 4 * kMiB);
  EXPECT_EQ(guard(kMiB).low_mark(), kMiB);
}

TEST_F(DiskGuardTest, SaysLowBelowItsMarkAndEnoughOnlyWellAboveIt) {
  DiskGuard disk = guard(8 * kMiB);
  int changes = 0;
  disk.on_change([&] { ++changes; });
  const auto low_with = [&](std::uint64_t available) {
    space_.available = available;
    disk.look();
    return disk.low();
  };
  EXPECT_FALSE(low_with(8 * kMiB));
  EXPECT_TRUE(low_with(8 * kMiB - 1));
  EXPECT_TRUE(low_with(9 * kMiB));
  EXPECT_EQ(changes, 1);
  EXPECT_FALSE(disk.critical());
  EXPECT_TRUE(low_with(kMiB - 1));
  EXPECT_TRUE(disk.critical());
  EXPECT_FALSE(low_with(10 * kMiB));
  EXPECT_EQ(changes, 2);
}

TEST_F(DiskGuardTest, TellsHowMuchIsLeftAndWhere) {
  space_.available = 3 * kMiB;
  DiskGuard disk = guard(8 * kMiB);
  EXPECT_THAT(disk.text(), HasSubstr(directory_.path().string()));
  EXPECT_THAT(disk.text(), HasSubstr("3.0 MiB of 100.0 MiB left, 10.0 MiB are wanted"));
  space_.available = 50 * kMiB;
  disk.look();
  EXPECT_EQ(disk.text(), "");
}

TEST_F(DiskGuardTest, GivesUpItsReserveForTheLastTransactions) {
  DiskGuard disk = guard(8 * kMiB);
  EXPECT_TRUE(has_reserve());
  EXPECT_EQ(std::filesystem::file_size(directory_.path() / "reserve"), kMiB);
  space_.available = 2 * kMiB;
  disk.look();
  EXPECT_TRUE(has_reserve());
  space_.available = kMiB / 2;
  disk.look();
  EXPECT_FALSE(has_reserve());
  space_.available = 9 * kMiB;
  disk.look();
  EXPECT_FALSE(has_reserve());
  space_.available = 50 * kMiB;
  disk.look();
  EXPECT_TRUE(has_reserve());
}

TEST_F(DiskGuardTest, GoesOnAsBeforeWhenTheDiskDoesNotAnswer) {
  space_.available = 3 * kMiB;
  bool answers = true;
  DiskGuard disk({.directory = directory_.path(),
                  .low = 8 * kMiB,
                  .probe = [&](const auto&) -> Result<DiskSpace> {
                    if (!answers) return fail(Code::unavailable, "no answer");
                    return space_;
                  }});
  EXPECT_TRUE(disk.low());
  answers = false;
  disk.look();
  EXPECT_TRUE(disk.low());
}

TEST_F(DiskGuardTest, AsksTheRealDisk) {
  const auto space = disk_space(directory_.path());
  ASSERT_TRUE(space.has_value());
  EXPECT_GT(space->total, 0u);
  EXPECT_LE(space->available, space->total);
  EXPECT_FALSE(disk_space(directory_.path() / "absent").has_value());
}

}  // namespace
}  // namespace skerry::engine
