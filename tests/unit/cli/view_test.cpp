#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/base/json.hpp"
#include "hosts/cli/view/live_table.hpp"
#include "hosts/cli/view/problems.hpp"
#include "hosts/cli/view/record.hpp"
#include "hosts/cli/view/text_table.hpp"

using skerry::Json;
using namespace skerry::cli;
using ::testing::HasSubstr;

namespace {

Json record(int round) {
  return {{"round", round},
          {"participants", Json::array({"edge-1", "edge-2"})},
          {"accuracy", 0.91234},
          {"loss", 0.25},
          {"extra", 3},
          {"bytes", {{"up", 123'456}, {"down", 1'000}}},
          {"seconds", {{"total", 1.25}}}};
}

// What a LiveTable writes.
std::string shown(const Style& style, const std::function<void(LiveTable&)>& use) {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* file = open_memstream(&text, &size);
  {
    LiveTable table(file, style);
    use(table);
  }
  std::fclose(file);
  std::string copy(text, size);
  std::free(text);
  return copy;
}

TEST(LiveTable, WritesPlainLinesWithoutATerminal) {
  const std::string text = shown(Style{}, [](LiveTable& table) {
    table.record(record(1));
    table.progress({"Running", 1, 20, 3.0, Json::array()});
    table.record(record(2));
    table.note("edge-1 was killed");
  });
  EXPECT_EQ(text,
            " round  nodes      loss  accuracy     extra         up       down         time\n"
            "     1      2    0.2500    0.9123         3   123.5 kB     1.0 kB        1.2 s\n"
            "     2      2    0.2500    0.9123         3   123.5 kB     1.0 kB        1.2 s\n"
            "edge-1 was killed\n");
}

TEST(LiveTable, RedrawsItsProgressInPlaceOnATerminal) {
  Style style;
  style.live = true;
  const std::string text = shown(style, [](LiveTable& table) {
    table.progress(
        {"Running", 0, 20, 1.0, {{{"node", "edge-1"}, {"state", "running"}, {"progress", 0.5}}}});
    table.record(record(1));
  });
  EXPECT_THAT(text, HasSubstr("\r\033[Kround 1/20"));
  EXPECT_THAT(text, HasSubstr("edge-1 50%\r\033[K round"));
}

TEST(RoundTable, SaysWhoWasLeftOut) {
  RoundTable table;
  Json one = record(1);
  one["late"] = Json::array({"edge-3"});
  one["rejected"] = Json::array({{{"node", "edge-4"}, {"code", "rejected.nan"}}});
  table.header(one);
  EXPECT_THAT(table.line(one), HasSubstr("(1 late, 1 rejected)"));
}

TEST(RoundTable, ShowsADashForWhatALaterRecordLacks) {
  RoundTable table;
  table.header(record(1));
  EXPECT_THAT(table.line({{"round", 2}}), HasSubstr("-"));
}

TEST(ProgressLine, CountsTheRunningRoundByItsTasks) {
  Progress progress{"Running", 5, 10, 10, Json::array()};
  EXPECT_DOUBLE_EQ(job_fraction(progress), 0.5);
  progress.tasks = {{{"node", "a"}, {"state", "running"}, {"progress", 0.5}},
                    {{"node", "b"}, {"state", "finished"}}};
  EXPECT_DOUBLE_EQ(job_fraction(progress), 0.575);
  progress.total_rounds = 0;
  EXPECT_DOUBLE_EQ(job_fraction(progress), 0);
}

TEST(ProgressLine, FitsTheTerminal) {
  Style style;
  style.width = 60;
  Progress progress{"Running", 5, 10, 10, Json::array()};
  for (int i = 0; i < 50; ++i)
    progress.tasks.push_back({{"node", "edge-" + std::to_string(i)}, {"progress", 0.5}});
  EXPECT_LT(text_width(progress_line(progress, style)), 60);
}

TEST(Printable, TakesCommandsToTheTerminalOut) {
  EXPECT_EQ(printable("a\x1b[31mb\rc\nd"), "a?[31mb?c\nd");
  EXPECT_EQ(printable("x\xC2\x9Bz"), "x?z");
  EXPECT_EQ(printable("Küste ✓"), "Küste ✓");
}

TEST(TextTable, AlignsTextByCharactersNotBytes) {
  TextTable table({{"NAME"}, {"N", true}});
  table.add({"Küste", "1"});
  table.add({"a", "10"});
  EXPECT_EQ(table.text(), "NAME    N\nKüste   1\na      10\n");
}

TEST(Record, IgnoresValuesOfAnotherType) {
  const Json odd{{"loss", "much"}, {"seconds", 3}, {"nodes", "all"}, {"accuracy", nullptr}};
  EXPECT_FALSE(number_at(odd, "loss"));
  EXPECT_FALSE(number_at(odd, "seconds/train"));
  EXPECT_FALSE(participant_count(odd));
  EXPECT_TRUE(participants_of(odd).empty());
  EXPECT_FALSE(number_at(Json::array(), "loss"));
}

TEST(Problems, SurviveTheirWayThroughJson) {
  const Problems problems{{skerry::Code::not_found, "m", "f:1", "spec.a"}};
  const Problems back = problems_from_json({{"problems", problems_json(problems)}});
  ASSERT_EQ(back.size(), 1u);
  EXPECT_EQ(back[0].text(), problems[0].text());
  EXPECT_EQ(back[0].code, skerry::Code::not_found);
  EXPECT_EQ(problems_from_json({{"message", "alone"}}).front().message, "alone");
}

}  // namespace
