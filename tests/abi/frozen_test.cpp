// Everything in the header of version 1.0 is in today's, where it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "layout_table.hpp"

namespace skerry_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

bool may_become(const LayoutRow& before, const LayoutRow& after) {
  const bool size =
      before.kind == LayoutRow::kGrowing ? after.size >= before.size : after.size == before.size;
  return size && after.place == before.place && after.type == before.type;
}

// What code built with `before` would not find where it looks for it.
std::vector<std::string> broken(const LayoutTable& before, const LayoutTable& after) {
  std::vector<std::string> names;
  EXPECT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size() && i < after.size(); ++i) {
    EXPECT_EQ(before[i].name, after[i].name);
    if (!may_become(before[i], after[i])) names.push_back(before[i].name);
  }
  return names;
}

std::uint64_t size_of(const LayoutTable& table, const std::string& name) {
  for (const LayoutRow& row : table)
    if (row.name == name) return row.size;
  ADD_FAILURE() << "no " << name;
  return 0;
}

TEST(Frozen, HeaderIsKeptByToday) {
  EXPECT_THAT(broken(layout_of_frozen(), layout_of_today()), IsEmpty());
}

TEST(Frozen, StructsMayGrowAtTheirEnd) {
  const LayoutTable frozen = layout_of_frozen(), next = layout_of_next();
  EXPECT_THAT(broken(frozen, next), IsEmpty());
  for (const char* name : {"skerry_host", "skerry_tile", "skerry_train_params",
                           "skerry_aggregation_v1", "skerry_estimator_v1", "skerry_entry"}) {
    EXPECT_EQ(size_of(next, name), size_of(frozen, name) + 8) << name;
  }
}

TEST(Frozen, HeaderTellsOfEveryChangeThatBreaksPlugins) {
  EXPECT_THAT(broken(layout_of_frozen(), layout_of_broken()),
              ElementsAre("skerry_update", "skerry_tile.dtype_code", "skerry_tile.dtype_bits",
                          "skerry_tile.reserved0", "skerry_tile.clients", "skerry_tile.offset",
                          "skerry_tile.count", "skerry_tile.inputs", "skerry_tile.base",
                          "skerry_tile.output", "skerry_selection_v1.select", "SKERRY_RETRY",
                          "SKERRY_EXT_TASK"));
}

// No struct has padding, so that a member that the list lacks leaves a hole.
TEST(Frozen, LayoutListsEveryMember) {
  const LayoutTable table = layout_of_frozen();
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (table[i].kind > LayoutRow::kGrowing) continue;
    std::uint64_t end = 0;
    for (std::size_t m = i + 1; m < table.size() && table[m].kind == LayoutRow::kMember; ++m) {
      EXPECT_EQ(table[m].place, end) << table[m].name;
      end = table[m].place + table[m].size;
    }
    EXPECT_EQ(end, table[i].size) << table[i].name;
  }
}

TEST(Frozen, LayoutListsEveryStructAndEveryName) {
  std::ifstream file(SKERRY_SOURCE_DIR "/tests/abi/frozen/skerry/abi.h");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  static const std::regex kName(
      R"(typedef struct (\w+) \{|\b(SKERRY_\w+) = \d|#define (SKERRY_\w+) )");
  std::set<std::string> defined;
  for (std::sregex_iterator it(text.begin(), text.end(), kName), end; it != end; ++it)
    for (std::size_t group = 1; group <= 3; ++group)
      if ((*it)[group].matched) defined.insert((*it)[group]);
  defined.erase("SKERRY_ABI_MINOR");  // the one number that rises

  std::set<std::string> listed;
  for (const LayoutRow& row : layout_of_frozen())
    if (row.kind != LayoutRow::kMember) listed.insert(row.name);
  EXPECT_EQ(listed, defined);
}

}  // namespace
}  // namespace skerry_test
