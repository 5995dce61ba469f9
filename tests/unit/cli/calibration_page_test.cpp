#include "hosts/cli/calibrate/page.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <set>
#include <vector>

#include "core/base/json.hpp"

using skerry::Json;
using skerry::cli::calibration_page;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

Json point(double share) {
  const double gain = 1 - std::pow(1 - share, 4);
  return {{"threshold", 1 - share},
          {"share", share},
          {"accuracy", 0.89 + 0.075 * gain},
          {"random", 0.89 + 0.075 * share},
          {"oracle", std::min(0.975, 0.89 + share) - 0.01 * std::max(0.0, share - 0.9) / 0.1}};
}

Json calibration() {
  Json json = {{"examples", 5000},
               {"edgeAccuracy", 0.89},
               {"cloudAccuracy", 0.965},
               {"auroc", 0.9123},
               {"gapRecoveredAt20", 0.59},
               {"points", Json::array()},
               {"choice",
                {{"by", {{"targetAccuracy", 0.95}}},
                 {"threshold", 0.6732510288065844},
                 {"share", 0.3267},
                 {"shareLower", 0.3137},
                 {"shareUpper", 0.3399},
                 {"accuracy", 0.9501},
                 {"lower", 0.9437},
                 {"upper", 0.9560},
                 {"confidence", 0.95},
                 {"reached", true}}}};
  for (int i = 0; i <= 200; ++i) json["points"].push_back(point(i / 200.0));
  return json;
}

// What is wrong with the page's tags; empty: every one is closed in order. Knows what it needs to.
std::string fault_in(const std::string& page) {
  const std::set<std::string> alone = {"meta", "br", "!doctype"};
  std::vector<std::string> open;
  for (auto at = page.find('<'); at != page.npos; at = page.find('<', at + 1)) {
    const auto end = page.find('>', at);
    if (end == page.npos) return "a tag without an end: " + page.substr(at, 40);
    const std::string tag = page.substr(at + 1, end - at - 1);
    if (tag.find('<') != tag.npos) return "a < inside of <" + tag;
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) return "an open quote in <" + tag;
    const std::string name = tag.substr(0, tag.find_first_of(" /", 1));
    if (name[0] == '/') {
      if (open.empty() || "/" + open.back() != name)
        return "<" + name + "> closes " + (open.empty() ? "nothing" : "<" + open.back() + ">");
      open.pop_back();
    } else if (tag.back() != '/' && alone.count(name) == 0) {
      open.push_back(name);
    }
    at = end;
  }
  return open.empty() ? "" : "<" + open.back() + "> is never closed";
}

TEST(CalibrationPage, TheCheckerOfTagsFindsFaults) {
  EXPECT_EQ(fault_in("<!doctype html><p class=\"a\">x<br><circle r=\"1\"/></p>"), "");
  EXPECT_NE(fault_in("<p>"), "");
  EXPECT_NE(fault_in("<p><b></p></b>"), "");
  EXPECT_NE(fault_in("<p class=\"a></p>"), "");
  EXPECT_NE(fault_in("</p>"), "");
}

TEST(CalibrationPage, ShowsTheNumbers) {
  const std::string page = calibration_page(calibration(), "gate camera");
  EXPECT_EQ(fault_in(page), "");
  for (const char* part :
       {"gate camera", "5000 labelled examples", "89.0%", "96.5%", "0.912", "59%",
        "accuracy of at least 95%", "0.6732510288065844", "32.7%", "31.4% – 34.0%", "95.0%",
        "94.4% – 95.6%", "threshold: 0.6732510288065844", "choice: 32.7% sent, 95.0% right",
        "<svg class=\"chart wide\"", "<svg class=\"chart narrow\""})
    EXPECT_THAT(page, HasSubstr(part));
  EXPECT_THAT(page, Not(HasSubstr("⚠")));
  // For a look at it: SKERRY_SAMPLE_CALIBRATION=/tmp/c.html cli_test
  // --gtest_filter=*ShowsTheNumbers
  if (const char* path = std::getenv("SKERRY_SAMPLE_CALIBRATION")) std::ofstream(path) << page;
}

TEST(CalibrationPage, HasTheCurveInATable) {
  const std::string page = calibration_page(calibration(), "a");
  const auto has_row = [&](const char* share, double at) {
    char accuracy[16];
    std::snprintf(accuracy, sizeof accuracy, "%.1f%%", 100 * point(at)["accuracy"].get<double>());
    const std::string cell = "<td class=\"num\">";
    const auto row = page.find("<tr>" + cell + share + "</td>");
    return row != page.npos &&
           page.substr(row, page.find("</tr>", row) - row).find(cell + accuracy) != page.npos;
  };
  EXPECT_TRUE(has_row("0%", 0));
  EXPECT_TRUE(has_row("5%", 0.05));
  EXPECT_TRUE(has_row("10%", 0.1));
  EXPECT_TRUE(has_row("20%", 0.2));
  EXPECT_TRUE(has_row("30%", 0.3));
  EXPECT_TRUE(has_row("40%", 0.4));
  EXPECT_TRUE(has_row("100%", 1));
}

TEST(CalibrationPage, SaysHowWasChosenAndWhatCouldNotBeHad) {
  Json json = calibration();
  Json& choice = json["choice"];
  const auto page_by = [&](Json by, bool reached) {
    choice["by"] = std::move(by);
    choice["reached"] = reached;
    return calibration_page(json, "a");
  };
  EXPECT_THAT(page_by({{"targetAccuracy", 0.995}}, false),
              HasSubstr("No threshold reaches 99.5%. This is the most accurate one."));
  EXPECT_THAT(page_by({{"targetAccuracy", 0.96}, {"confident", true}}, false),
              HasSubstr("No threshold surely reaches 96% with 5000 examples."));
  EXPECT_THAT(page_by({{"cloudBudget", 0.001}, {"confident", true}}, false),
              HasSubstr("No share is surely within the budget"));
  EXPECT_THAT(page_by({{"cloudBudget", 0.2}}, true), HasSubstr("at most 20% to the cloud"));
  choice["cost"] = 0.75;
  const std::string page = page_by({{"cost", {{"cloud", 1}, {"error", 12.5}}}}, true);
  EXPECT_THAT(page, HasSubstr("the cloud costs 1 and a wrong answer 12.5"));
  EXPECT_THAT(page, HasSubstr("0.75"));
}

TEST(CalibrationPage, LoadsNothingFromElsewhereAndRunsNothing) {
  const std::string page = calibration_page(calibration(), "a");
  for (const char* bad :
       {"http://", "https://", "src=", "href", "@import", "url(", "<link", "<script", "onload"})
    EXPECT_THAT(page, Not(HasSubstr(bad)));
}

TEST(CalibrationPage, EscapesEveryTextThatCameFromElsewhere) {
  const std::string evil = "</title><script>alert(1)</script>\"'&{{job}}";
  Json json = calibration();
  json["jobLines"] = evil;
  json["choice"]["by"] = {{evil, evil}, {"cost", {{"cloud", evil}, {"error", evil}}}};
  json["choice"]["threshold"] = evil;
  json["examples"] = evil;
  json["points"].push_back(evil);
  const std::string page = calibration_page(json, evil);
  EXPECT_EQ(fault_in(page), "");
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("<h1>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;"
                              "&amp;{{job}}</h1>"));
  EXPECT_THAT(page, HasSubstr("<pre>&lt;/title&gt;"));
}

TEST(CalibrationPage, OfNothingOrNonsenseIsStillAPage) {
  std::vector<Json> odd = {Json(),         Json::array(), Json(3),
                           Json::object(), calibration(), calibration(),
                           calibration(),  calibration(), calibration()};
  odd[4]["points"] = {{{"share", 0.0}, {"accuracy", 1.0}}};  // all alike
  odd[4]["edgeAccuracy"] = odd[4]["cloudAccuracy"] = 1;
  odd[4]["choice"] = Json::object();
  odd[5]["points"] = {1, nullptr, {{"share", 7}, {"accuracy", 0.5}}, {{"share", 0.5}}};
  odd[6]["choice"] = {{"by", 7}, {"reached", "no"}, {"share", -3}, {"threshold", nullptr}};
  odd[7]["points"][3]["accuracy"] = std::numeric_limits<double>::quiet_NaN();
  odd[7]["edgeAccuracy"] = std::numeric_limits<double>::infinity();
  odd[8].erase("choice");
  for (const Json& each : odd) {
    const std::string page = calibration_page(each, "a");
    EXPECT_EQ(fault_in(page), "");
    EXPECT_THAT(page, HasSubstr("</html>"));
    for (const char* bad : {"nan", "inf\"", "inf%", "\"-inf"})
      EXPECT_THAT(page, Not(HasSubstr(bad)));
  }
}

TEST(CalibrationPage, KeepsTheNamesOfTwoCloseLevelsApart) {
  Json json = calibration();
  json["edgeAccuracy"] = 0.9645;
  const std::string page = calibration_page(json, "a");
  const auto height_of = [&](const char* name) {
    const auto end = page.find(std::string(">") + name + "</text>");
    const auto y = page.rfind("y=\"", end);
    return std::strtod(page.c_str() + y + 3, nullptr);
  };
  EXPECT_GE(height_of("edge") - height_of("cloud"), 30);
}

}  // namespace
