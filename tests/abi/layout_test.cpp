#include <gtest/gtest.h>

#include "layout.h"

namespace {

TEST(Layout, TellsWhetherAnOlderWriterKnewAMember) {
  skerry_entry entry{};
  entry.struct_size = offsetof(skerry_entry, destroy);
  EXPECT_FALSE(SKERRY_HAS(skerry_entry, &entry, destroy));
  EXPECT_TRUE(SKERRY_HAS(skerry_entry, &entry, get_interface));
  entry.struct_size = sizeof(skerry_entry);
  EXPECT_TRUE(SKERRY_HAS(skerry_entry, &entry, destroy));
}

TEST(Layout, NamesTheEntryAfterTheMajor) {
  EXPECT_STREQ(SKERRY_ENTRY_SYMBOL, "skerry_plugin_entry_v1");
  EXPECT_EQ(SKERRY_ABI_MAJOR, 1);
}

}  // namespace
