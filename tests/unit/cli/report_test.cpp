#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>

#include "core/base/json.hpp"
#include "hosts/cli/report/charts.hpp"
#include "hosts/cli/report/html.hpp"
#include "hosts/cli/report/report.hpp"
#include "hosts/cli/run/summary.hpp"

using skerry::Json;
using namespace skerry::cli;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

Json record(int round) {
  const double progress = 1 - std::exp(-round / 4.0);
  Json nodes = Json::array();
  for (int i = 1; i <= 4; ++i) {
    if (!(round == 6 && i == 3)) nodes.push_back("edge-" + std::to_string(i));
  }
  Json record{{"round", round},
              {"participants", nodes},
              {"samples", 1000 * nodes.size()},
              {"accuracy", 0.1 + 0.88 * progress},
              {"loss", 2.3 - 2.2 * progress},
              {"trainLoss", 2.3 - 2.27 * progress},
              {"bytes", {{"up", 125'000 * nodes.size()}, {"down", 125'500 * nodes.size()}}},
              {"seconds",
               {{"total", 1.62},
                {"wait", 0.12},
                {"download", 0.02},
                {"train", 1.3},
                {"upload", 0.03},
                {"aggregate", 0.04},
                {"evaluate", 0.11}}},
              {"trainCpuSeconds", 2.7}};
  if (round == 6) record["late"] = Json::array({"edge-3"});
  return record;
}

ReportInput input(int rounds) {
  RunFacts facts;
  facts.job = "digits";
  facts.phase = "Succeeded";
  facts.message = "accuracy 0.9741 after the last round";
  for (int i = 1; i <= rounds; ++i) facts.records.push_back(record(i));
  facts.elapsed = 1.62 * rounds + 2.2;
  facts.check_seconds = 1.4;
  facts.start_seconds = 0.5;
  facts.edges = 4;
  facts.cores = 2;
  facts.model_path = "/home/ada/skerry-out/digits-20260101-120000/model.safetensors";
  facts.model_digest = std::string(64, 'a');
  ReportInput report;
  report.summary = summarize(facts);
  report.records = facts.records;
  report.description = {
      {"plugins",
       {"alpha 1.0.0 " + std::string(64, '1') + " /usr/lib/skerry/plugins/libalpha.so",
        "beta 1.2.0 " + std::string(64, '2') + " /usr/lib/my plugins/libbeta.so"}},
      {"conditions",
       {{{"at", "2026-01-01T12:00:01Z"},
         {"type", "Started"},
         {"reason", "Apply"},
         {"message", "4 nodes"}}}}};
  report.plugins = {{{"slot", "estimator"}, {"id", "alpha"}, {"version", "1.0.0"}}};
  report.job_file = "job.yaml";
  report.job_text =
      "apiVersion: skerry.dev/v1alpha1\nkind: Job\nmetadata: {name: digits}\nspec:\n  rounds: 20\n";
  return report;
}

TEST(Report, ShowsCurvesTimesNodesPluginsAndTheJob) {
  const std::string page = render_report(input(20));
  for (const char* part :
       {"Accuracy on held-out data", "Loss", "Bytes a round", "Where the time went",
        "Who took part", "edge-3", "19 of 20, 1 late", "libalpha.so",
        "/usr/lib/my plugins/libbeta.so", "estimator", "rounds: 20", "Succeeded"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  // For a look at it: SKERRY_SAMPLE_REPORT=/tmp/report.html cli_test --gtest_filter=Report.*
  if (const char* path = std::getenv("SKERRY_SAMPLE_REPORT")) std::ofstream(path) << page;
}

TEST(Report, LoadsNothingFromElsewhere) {
  const std::string page = render_report(input(3));
  for (const char* bad : {"http://", "https://", "src=", "@import", "url(", "<link"})
    EXPECT_THAT(page, Not(HasSubstr(bad)));
}

TEST(Report, EscapesEveryTextThatCameFromElsewhere) {
  const std::string evil = "</script><img src=x onerror=alert(1)>\"'&{{job}}";
  ReportInput report = input(2);
  report.summary["job"] = evil;
  report.summary["phase"] = evil;
  report.summary["message"] = evil;
  report.summary["model"] = {{"path", evil}, {"digest", evil}};
  report.summary["metrics"][evil] = 1.5;
  report.records[0]["participants"] = Json::array({evil});
  report.records[0]["late"] = Json::array({{{"node", evil}}});
  report.records[0][evil] = 0.5;
  report.description["plugins"] = Json::array({evil + " " + evil + " x " + evil, 7});
  report.description["conditions"] = {
      {{"at", evil}, {"type", evil}, {"reason", evil}, {"message", evil}}};
  report.plugins = {{{"slot", evil}, {"id", evil}, {"version", evil}, {"file", evil}}};
  report.job_file = evil;
  report.job_text = evil;
  const std::string page = render_report(report);
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("\"'&{{")));
  EXPECT_THAT(page, HasSubstr("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;{{job}}"));
}

TEST(Report, OfARunWithoutRoundsIsStillAPage) {
  ReportInput report;
  RunFacts facts;
  facts.job = "a";
  facts.phase = "Failed";
  report.summary = summarize(facts);
  const std::string page = render_report(report);
  EXPECT_THAT(page, HasSubstr("Failed"));
  EXPECT_THAT(page, HasSubstr("</html>"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

TEST(Report, StaysSmallForManyRounds) {
  EXPECT_LT(render_report(input(1000)).size(), 4'000'000u);
}

TEST(Html, ReplacesWhatIsNotText) {
  EXPECT_EQ(escape_html("a\xFF\x1b"
                        "b"),
            "a\xEF\xBF\xBD\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(escape_html("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(escape_html("\xED\xA0\x80").find('\xED'), std::string::npos);
  EXPECT_EQ(escape_html("Küste 🌊 \xE2"), "Küste 🌊 \xEF\xBF\xBD");
}

TEST(Html, FillsATemplateInOnePass) {
  EXPECT_EQ(fill_template("<{{a}}|{{b}}|{{c}}>", {{"a", "{{b}}"}, {"b", "2"}}), "<{{b}}|2|>");
  EXPECT_EQ(fill_template("open {{a", {{"a", "1"}}), "open {{a");
}

TEST(Charts, PutTicksOnRoundValues) {
  EXPECT_EQ(axis_ticks(0, 1, 4), (std::vector<double>{0, 0.5, 1}));
  EXPECT_EQ(axis_ticks(0, 70, 4), (std::vector<double>{0, 20, 40, 60}));
  EXPECT_EQ(axis_ticks(3, 3, 4), (std::vector<double>{3}));
}

TEST(Charts, ShowOneRoundAndMissingValues) {
  const auto format = [](double value) { return std::to_string(value); };
  const Chart chart{"t", {1, 2}, {{"a", "s1", {std::nullopt, 0.5}}}, format, format, true};
  EXPECT_THAT(line_chart(chart), Not(HasSubstr("nan")));
  const Chart single{"t", {1}, {{"a", "s1", {0.5}}}, format, format, false};
  EXPECT_THAT(line_chart(single), Not(HasSubstr("nan")));
  EXPECT_THAT(stacked_columns(chart), HasSubstr("a: –"));
}

}  // namespace
