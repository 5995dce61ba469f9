#include "hosts/cli/calibrate/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/json.hpp"
#include "hosts/cli/report/charts.hpp"
#include "hosts/cli/report/html.hpp"
#include "hosts/cli/report/sections.hpp"
#include "hosts/cli/view/record.hpp"

namespace skerry::cli {
namespace {

// The chart is drawn twice, and the style shows the one that fits: shrunk text could not be read.
constexpr std::string_view kPage = R"page(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{title}} · Skerry</title>
<style>
:root {
  color-scheme: light dark;
  --page: #f6f6f3; --card: #fcfcfb; --ink: #0b0b0b; --ink2: #52514e; --ink3: #6d6b66; --line: #e1e0d9; --base: #b9b8b0;
  --curve: #2a78d6; --oracle: #008300; --random: #7b7974; --choice: #c2410c; --warn: #855800;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d0d0d; --card: #1a1a19; --ink: #ffffff; --ink2: #c3c2b7; --ink3: #a3a199; --line: #2c2c2a; --base: #4c4b47;
    --curve: #5b9ff0; --oracle: #4cc04c; --random: #96948c; --choice: #ff8a50; --warn: #f0b429;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 840px; margin: 0 auto; padding: 28px 20px 40px; }
h1 { margin: 0; font-size: 26px; line-height: 1.2; letter-spacing: -.01em; overflow-wrap: anywhere; }
header p { margin: 4px 0 20px; color: var(--ink2); }
h2 { margin: 0 0 10px; font-size: 16px; font-weight: 600; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px 20px; margin: 0 0 16px; }
.note { margin: 10px 0 0; color: var(--ink3); font-size: 13px; }
.warn { margin: 0 0 10px; color: var(--warn); font-weight: 600; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(138px, 1fr)); gap: 12px; margin-bottom: 16px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 12px 16px; min-width: 0; }
.tile span, .tile small { display: block; color: var(--ink3); font-size: 12.5px; }
.tile strong { display: block; font-size: 23px; font-weight: 600; letter-spacing: -.01em; white-space: nowrap; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin-bottom: 6px; color: var(--ink2); font-size: 13px; }
.legend span { display: inline-flex; align-items: center; gap: 7px; }
.legend svg { display: block; width: 24px; height: 10px; }
svg.chart { display: block; width: 100%; height: auto; }
svg.narrow { display: none; }
.grid { stroke: var(--line); } .base { stroke: var(--base); }
.tick, .name { fill: var(--ink3); font-size: 12px; font-variant-numeric: tabular-nums; }
.level { stroke: var(--base); stroke-width: 1.5; }
.end { fill: var(--ink2); font-size: 12px; font-variant-numeric: tabular-nums; }
path { fill: none; stroke-width: 2; stroke-linejoin: round; }
path.curve { stroke: var(--curve); stroke-width: 2.5; } path.oracle { stroke: var(--oracle); stroke-dasharray: 7 4; }
path.random { stroke: var(--random); stroke-dasharray: 2 3; } circle.curve { fill: var(--curve); }
.drop { stroke: var(--choice); stroke-dasharray: 2 3; } .interval { stroke: var(--choice); stroke-width: 2; }
.chosen { fill: var(--choice); stroke: var(--card); stroke-width: 2; } .said { fill: var(--choice); font-size: 12.5px; font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { padding: 6px 14px 6px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
tbody tr:last-child > * { border-bottom: 0; }
th { font-weight: 500; color: var(--ink2); } tbody th { width: 34%; } thead th { color: var(--ink3); white-space: nowrap; border-bottom-color: var(--base); }
.num { text-align: right; white-space: nowrap; padding: 6px 0 6px 14px; }
.num:first-child { text-align: left; padding-left: 0; }
td small { color: var(--ink3); font-size: 13px; white-space: nowrap; }
code, pre { font-family: ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; font-size: 13px; }
code { overflow-wrap: anywhere; }
pre { margin: 0; padding: 14px; overflow-x: auto; background: var(--page); border-radius: 8px; line-height: 1.55; }
@media (max-width: 640px) {
  main { padding: 20px 12px 32px; } .card { padding: 14px; } h1 { font-size: 22px; }
  svg.wide { display: none; } svg.narrow { display: block; }
  table { font-size: 13px; } .curve .num + .num { padding-left: 8px; }
  .curve .num:nth-child(4) { display: none; }
}
@media print { body { background: #fff; } .card, .tile { break-inside: avoid; } }
</style>
</head>
<body>
<main>
<header><h1>{{title}}</h1>{{about}}</header>
{{tiles}}
{{chart}}
{{choice}}
{{table}}
{{job}}
</main>
</body>
</html>
)page";

constexpr double kFineSteps = 0.009;  // of ticks that need a decimal
constexpr std::size_t kMostDots = 30;
constexpr double kLabelHeight = 32;  // of two lines of text
constexpr double kSlack = 1e-9;      // for shares that went through text
constexpr double kTableShares[] = {0, 0.05, 0.1, 0.2, 0.3, 0.4, 1};

// ---------------------------------------------------------------------------------- what is read

using Number = std::optional<double>;

Number share_at(const Json& json, const char* key) {
  const Number value = number_at(json, key);
  return value && *value >= 0 && *value <= 1 ? value : std::nullopt;
}

const Json& object_at(const Json& json, const char* key) {
  static const Json kNone = Json::object();
  if (!json.is_object()) return kNone;
  const auto found = json.find(key);
  return found != json.end() && found->is_object() ? *found : kNone;
}

bool is_true(const Json& json, const char* key, bool fallback) {
  const auto found = json.find(key);
  return found != json.end() && found->is_boolean() ? found->get<bool>() : fallback;
}

struct Point {
  double share, accuracy;
  Number threshold, random, oracle;
};

std::vector<Point> points_of(const Json& calibration) {
  std::vector<Point> points;
  const auto found = calibration.find("points");
  if (found == calibration.end() || !found->is_array()) return points;
  for (const Json& each : *found) {
    const Number share = share_at(each, "share"), accuracy = share_at(each, "accuracy");
    if (!share || !accuracy) continue;
    points.push_back({*share, *accuracy, number_at(each, "threshold"), share_at(each, "random"),
                      share_at(each, "oracle")});
  }
  std::stable_sort(points.begin(), points.end(),
                   [](const Point& a, const Point& b) { return a.share < b.share; });
  return points;
}

struct Calibration {
  explicit Calibration(const Json& json)
      : all(json.is_object() ? json : Json::object()),
        points(points_of(all)),
        edge(share_at(all, "edgeAccuracy")),
        cloud(share_at(all, "cloudAccuracy")),
        choice(object_at(all, "choice")),
        share(share_at(choice, "share")),
        accuracy(share_at(choice, "accuracy")),
        threshold(number_at(choice, "threshold")) {}

  const Json all;
  const std::vector<Point> points;
  const Number edge, cloud;
  const Json& choice;  // empty where none was made
  const Number share, accuracy, threshold;
};

// -------------------------------------------------------------------------------- what is said

std::string percent(const Number& value, int decimals = 1) {
  return value ? fmt::format("{:.{}f}%", *value * 100, decimals) : "–";
}

// Shortest text that reads back as the same double: a threshold decides as it did here.
std::string exact(double value) {
  return fmt::format("{}", value);
}

std::string between(const Json& json, const char* lower, const char* upper) {
  const Number from = share_at(json, lower), to = share_at(json, upper);
  if (!from || !to) return {};
  return fmt::format(" <small>({} – {})</small>", percent(from), percent(to));
}

// A percentage as somebody wrote it: 95, 99.5.
std::string wanted_percent(double value) {
  return fmt::format("{:.6g}%", value * 100);
}

std::string wanted_text(const Json& by) {
  const char* sure = is_true(by, "confident", false) ? ", to be sure of it" : "";
  if (const Number target = share_at(by, "targetAccuracy"))
    return fmt::format("accuracy of at least {}{}", wanted_percent(*target), sure);
  if (const Number budget = share_at(by, "cloudBudget"))
    return fmt::format("at most {} to the cloud{}", wanted_percent(*budget), sure);
  const Json& cost = object_at(by, "cost");
  const Number cloud = number_at(cost, "cloud"), error = number_at(cost, "error");
  if (!cloud || !error) return {};
  return fmt::format("least cost, where the cloud costs {:g} and a wrong answer {:g}", *cloud,
                     *error);
}

std::string why_not_reached(const Calibration& calibration) {
  if (is_true(calibration.choice, "reached", true)) return {};
  const Json& by = object_at(calibration.choice, "by");
  const bool sure = is_true(by, "confident", false);
  const Number examples = number_at(calibration.all, "examples");
  const std::string of = examples ? fmt::format(" with {:.0f} examples", *examples) : "";
  if (const Number target = share_at(by, "targetAccuracy"))
    return fmt::format("No threshold {} {}{}. This is the most accurate one.",
                       sure ? "surely reaches" : "reaches", wanted_percent(*target),
                       sure ? of : "");
  return fmt::format("No share is surely within the budget{}. Nothing goes to the cloud.", of);
}

std::string tile(const char* name, const std::string& value, const std::string& note) {
  return element(
      "div", "class=\"tile\"",
      element("span", "", name) + element("strong", "", value) + element("small", "", note));
}

std::string about(const Calibration& calibration) {
  const Number examples = number_at(calibration.all, "examples");
  if (!examples) return {};
  return element("p", "",
                 fmt::format("Which examples go from the edge to the cloud, chosen on {:.0f} "
                             "labelled examples",
                             *examples));
}

std::string tiles(const Calibration& calibration) {
  std::string all = tile("Edge alone", percent(calibration.edge), "accuracy") +
                    tile("Cloud alone", percent(calibration.cloud), "accuracy");
  if (const Number gap = number_at(calibration.all, "gapRecoveredAt20"))
    all += tile("With 20% to the cloud", percent(gap, 0), "of the gap closed");
  if (const Number auroc = share_at(calibration.all, "auroc"))
    all += tile("Finds the edge’s errors", fmt::format("{:.3f}", *auroc), "AUROC; 0.5: by chance");
  return element("div", "class=\"tiles\"", all);
}

std::string row(const char* name, const std::string& value) {
  return element("tr", "", element("th", "scope=\"row\"", name) + element("td", "", value));
}

std::string choice_table(const Calibration& calibration) {
  const Json& choice = calibration.choice;
  std::string rows;
  const std::string wanted = wanted_text(object_at(choice, "by"));
  if (!wanted.empty()) rows += row("Wanted", wanted);
  if (calibration.threshold)
    rows += row("Threshold", element("code", "", exact(*calibration.threshold)));
  if (calibration.share)
    rows += row("Share to the cloud",
                percent(calibration.share) + between(choice, "shareLower", "shareUpper"));
  if (calibration.accuracy)
    rows += row("Accuracy", percent(calibration.accuracy) + between(choice, "lower", "upper"));
  if (const Number cost = number_at(choice, "cost"))
    rows += row("Cost of an example", fmt::format("{:.4g}", *cost));
  if (rows.empty()) return {};
  std::string text;
  const std::string why = why_not_reached(calibration);
  if (!why.empty()) text += element("p", "class=\"warn\"", "⚠ " + why);
  text += element("table", "", element("tbody", "", rows));
  if (const Number confidence = share_at(choice, "confidence"))
    text += element("p", "class=\"note\"",
                    fmt::format("In brackets: {} intervals of Clopper and Pearson, for other "
                                "examples like these.",
                                percent(confidence, 0)));
  return text;
}

// The last point with at most that share.
const Point* point_at(const std::vector<Point>& points, double share) {
  const auto above = std::find_if(points.begin(), points.end(),
                                  [&](const Point& point) { return point.share > share + kSlack; });
  return above == points.begin() ? nullptr : &*std::prev(above);
}

std::string cells(const std::vector<std::string>& values, const char* tag) {
  std::string row;
  for (const std::string& each : values) row += element(tag, "class=\"num\"", each);
  return element("tr", "", row);
}

// To four digits the threshold above all scores looks like the largest of them.
std::string threshold_text(const Point& point) {
  if (!point.threshold) return "–";
  return fmt::format("{}{:.4g}", point.share == 0 ? "&gt; " : "", *point.threshold);
}

std::string curve_table(const Calibration& calibration) {
  std::string rows;
  for (const double share : kTableShares) {
    const Point* point = point_at(calibration.points, share);
    if (point == nullptr) continue;
    rows += cells({percent(share, 0), percent(point->share), percent(point->accuracy),
                   percent(point->random), percent(point->oracle), threshold_text(*point)},
                  "td");
  }
  if (rows.empty()) return {};
  const std::string head =
      cells({"At most", "Sent", "Accuracy", "Random", "Oracle", "Threshold"}, "th");
  return element("div", "class=\"scroll\"",
                 element("table", "class=\"curve\"",
                         element("thead", "", head) + element("tbody", "", rows))) +
         element(
             "p", "class=\"note\"",
             "Examples of equal score go together, so less may be sent than allowed. Random: as "
             "many, whichever they are. Oracle: as many, by somebody who knows the answers; no "
             "filter does better.");
}

std::string job_lines(const Calibration& calibration) {
  const std::string lines = text_at(calibration.all, "jobLines");
  if (!lines.empty()) return element("pre", "", escape_html(lines));
  if (!calibration.threshold) return {};
  return element("pre", "",
                 "# an example with at least this score goes to the cloud\nthreshold: " +
                     exact(*calibration.threshold));
}

// -------------------------------------------------------------------------------- the chart

struct Size {
  const char* name;
  double width, height, left, right, top, bottom;
  int y_ticks;
};
constexpr Size kWide = {"wide", 760, 420, 66, 66, 26, 48, 6};
constexpr Size kNarrow = {"narrow", 350, 330, 60, 56, 26, 44, 5};

std::string text_of(const char* look, double x, double y, const char* anchor,
                    const std::string& text, const std::string& more = {}) {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>",
                     look, x, y, anchor, more, escape_html(text));
}

std::string line_of(const char* look, double x1, double y1, double x2, double y2) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>",
                     look, x1, y1, x2, y2);
}

// What the chart must show, with some room around it.
std::pair<double, double> range_of(const Calibration& calibration) {
  double low = 1, high = 0;
  const auto show = [&](const Number& value) {
    if (!value) return;
    low = std::min(low, *value);
    high = std::max(high, *value);
  };
  for (const Point& each : calibration.points) {
    show(each.accuracy);
    show(each.random);
    show(each.oracle);
  }
  for (const Number& each :
       {calibration.edge, calibration.cloud, calibration.accuracy,
        share_at(calibration.choice, "lower"), share_at(calibration.choice, "upper")})
    show(each);
  const double room = std::max((high - low) * 0.04, 0.002);
  return {std::max(0.0, low - room), std::min(1.0, high + room)};
}

class Plot {
 public:
  Plot(const Calibration& calibration, const Size& size) : calibration_(calibration), size_(size) {
    std::tie(low_, high_) = range_of(calibration);
    ticks_ = axis_ticks(low_, high_, size.y_ticks);
    // The axis ends on ticks.
    const double step = ticks_.size() > 1 ? ticks_[1] - ticks_[0] : 1;
    if (ticks_.front() > low_ + step * 1e-6) ticks_.insert(ticks_.begin(), ticks_.front() - step);
    if (ticks_.back() < high_ - step * 1e-6) ticks_.push_back(ticks_.back() + step);
    low_ = ticks_.front();
    high_ = ticks_.back();
  }

  std::string svg() const {
    return fmt::format(
        "<svg class=\"chart {}\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" "
        "aria-label=\"Accuracy against the share of examples sent to the cloud; the figures are "
        "in the tables below\">{}{}{}{}</svg>",
        size_.name, size_.width, size_.height, axes(), levels(), curves(), choice());
  }

 private:
  double right() const { return size_.width - size_.right; }
  double floor() const { return size_.height - size_.bottom; }
  double x(double share) const { return size_.left + share * (right() - size_.left); }
  double y(double value) const {
    return size_.top + (floor() - size_.top) * (1 - (value - low_) / (high_ - low_));
  }

  std::string axes() const {
    std::string out;
    const double step = ticks_.size() > 1 ? ticks_[1] - ticks_[0] : 1;
    for (const double tick : ticks_) {
      out +=
          line_of(tick == ticks_.front() ? "base" : "grid", size_.left, y(tick), right(), y(tick));
      out += text_of("tick", size_.left - 8, y(tick) + 4, "end",
                     percent(tick, step < kFineSteps ? 1 : 0));
    }
    for (int tick = 0; tick <= 100; tick += 20) {
      out += line_of("base", x(tick / 100.0), floor(), x(tick / 100.0), floor() + 5);
      out += text_of("tick", x(tick / 100.0), floor() + 19, "middle", fmt::format("{}%", tick));
    }
    const double middle = (size_.top + floor()) / 2;
    out += text_of("name", (size_.left + right()) / 2, size_.height - 6, "middle",
                   "share of examples sent to the cloud");
    out += text_of("name", 10, middle, "middle", "accuracy",
                   fmt::format(" transform=\"rotate(-90 10 {:.1f})\"", middle));
    return out;
  }

  // The edge's and the cloud's accuracy, with their names beside the plot, where nothing else is.
  std::string levels() const {
    std::string out;
    std::vector<std::pair<double, std::string>> ends;
    const auto add = [&](const char* name, const Number& value) {
      if (!value) return;
      out += line_of("level", size_.left, y(*value), right(), y(*value));
      ends.emplace_back(y(*value), name);
      ends.back().second += "\n" + percent(value);
    };
    add("cloud", calibration_.cloud);
    add("edge", calibration_.edge);
    std::sort(ends.begin(), ends.end());
    if (ends.size() == 2 && ends[1].first - ends[0].first < kLabelHeight) {
      const double middle = std::clamp((ends[0].first + ends[1].first) / 2,
                                       size_.top + kLabelHeight, floor() - kLabelHeight);
      ends[0].first = middle - kLabelHeight / 2;
      ends[1].first = middle + kLabelHeight / 2;
    }
    for (const auto& [at, text] : ends) {
      const auto end = text.find('\n');
      out += text_of("end", right() + 8, at - 2, "start", text.substr(0, end));
      out += text_of("end", right() + 8, at + 12, "start", text.substr(end + 1));
    }
    return out;
  }

  template <class Value>
  std::string curve(const char* look, Value value) const {
    std::string path, dots;
    for (const Point& each : calibration_.points) {
      const Number at = value(each);
      if (!at) continue;
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x(each.share), y(*at));
      dots += fmt::format("<circle class=\"curve\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\"/>",
                          x(each.share), y(*at));
    }
    const bool dotted =
        std::string_view(look) == "curve" && calibration_.points.size() <= kMostDots;
    return fmt::format("<path class=\"{}\" d=\"{}\"/>{}", look, path, dotted ? dots : "");
  }

  std::string curves() const {
    return curve("random", [](const Point& point) { return point.random; }) +
           curve("oracle", [](const Point& point) { return point.oracle; }) +
           curve("curve", [](const Point& point) { return Number(point.accuracy); });
  }

  // A line down to its share and up to what is said of it, above the plot, where nothing else is.
  std::string choice() const {
    if (!calibration_.share || !calibration_.accuracy) return {};
    const double at = x(*calibration_.share), height = y(*calibration_.accuracy);
    std::string out = line_of("drop", at, size_.top - 4, at, floor());
    const Number lower = share_at(calibration_.choice, "lower");
    const Number upper = share_at(calibration_.choice, "upper");
    if (lower && upper) {
      out += line_of("interval", at, y(*lower), at, y(*upper));
      for (const double end : {*lower, *upper})
        out += line_of("interval", at - 5, y(end), at + 5, y(end));
    }
    out +=
        fmt::format("<circle class=\"chosen\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5.5\"/>", at, height);
    const std::string said = fmt::format("choice: {} sent, {} right", percent(calibration_.share),
                                         percent(calibration_.accuracy));
    const double half = 3.6 * static_cast<double>(said.size());  // more than its letters take
    return out + text_of("said", std::clamp(at, half, size_.width - half), 14, "middle", said);
  }

  const Calibration& calibration_;
  const Size& size_;
  double low_ = 0, high_ = 1;
  std::vector<double> ticks_;
};

std::string legend_of(const char* look, const char* name) {
  return element("span", "",
                 fmt::format("<svg viewBox=\"0 0 24 10\" aria-hidden=\"true\"><path class=\"{}\" "
                             "d=\"M0 5L24 5\"/></svg>{}",
                             look, name));
}

std::string chart(const Calibration& calibration) {
  if (calibration.points.empty()) return {};
  return element("div", "class=\"legend\"",
                 legend_of("curve", "hardest first") + legend_of("random", "random") +
                     legend_of("oracle", "oracle")) +
         Plot(calibration, kWide).svg() + Plot(calibration, kNarrow).svg();
}

}  // namespace

std::string calibration_page(const Json& calibration, const std::string& title) {
  const Calibration read(calibration);
  return fill_template(kPage, {{"title", escape_html(title)},
                               {"about", about(read)},
                               {"tiles", tiles(read)},
                               {"chart", card("Accuracy by share sent to the cloud", chart(read))},
                               {"choice", card("The choice", choice_table(read))},
                               {"table", card("The curve", curve_table(read))},
                               {"job", card("For the job file", job_lines(read))}});
}

}  // namespace skerry::cli
