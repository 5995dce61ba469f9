#include "core/base/units.hpp"

#include <gtest/gtest.h>

#include <string>

namespace skerry {
namespace {

using std::chrono::milliseconds;

TEST(Duration, IsReadWithItsUnit) {
  EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("60s"), milliseconds(60'000));
  EXPECT_EQ(parse_duration("1.5s"), milliseconds(1'500));
  EXPECT_EQ(parse_duration("5m"), milliseconds(300'000));
  EXPECT_EQ(parse_duration("2h"), milliseconds(7'200'000));
  EXPECT_EQ(parse_duration("7d"), milliseconds(604'800'000));
  EXPECT_EQ(parse_duration("0s"), milliseconds(0));
}

TEST(Duration, ThatIsNoneIsRefusedWithWhatIsAllowed) {
  for (const char* text : {"", "60", "s", "-1s", "1 s", "1e3s", "nan", "infs", "60sec", "1s ",
                           "0x5s", "99999999999d", "1s\n"}) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_NE(duration.error().message.find("ms, s, m, h or d"), std::string::npos);
  }
}

TEST(Duration, IsWrittenForPeople) {
  EXPECT_EQ(format_duration(milliseconds(950)), "950 ms");
  EXPECT_EQ(format_duration(milliseconds(3'210)), "3.2 s");
  EXPECT_EQ(format_duration(milliseconds(59'960)), "1 min 00 s");
  EXPECT_EQ(format_duration(milliseconds(245'000)), "4 min 05 s");
  EXPECT_EQ(format_duration(milliseconds(7'380'000)), "2 h 03 min");
}

TEST(Size, IsWrittenForPeople) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(999), "999 B");
  EXPECT_EQ(format_bytes(1'000), "1.0 kB");
  EXPECT_EQ(format_bytes(3'240'000), "3.2 MB");
  EXPECT_EQ(format_bytes(999'999), "1.0 MB");
  EXPECT_EQ(format_bytes(~std::uint64_t{0}), "18.4 EB");
}

}  // namespace
}  // namespace skerry
