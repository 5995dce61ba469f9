#include "hosts/cli/report/charts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "hosts/cli/report/frame.hpp"
#include "hosts/cli/report/html.hpp"

namespace skerry::cli {
namespace {

constexpr std::size_t kMostDots = 60;  // more would run together
constexpr double kWidestColumn = 28;
constexpr double kSurfaceGap = 1.5;  // between the parts of a column
constexpr double kSmallestShare = 0.002;

std::pair<double, double> range_of(const Chart& chart) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  for (const Series& series : chart.series) {
    for (const auto& value : series.values) {
      if (!value) continue;
      low = std::min(low, *value);
      high = std::max(high, *value);
    }
  }
  if (!(low <= high)) return {0, 1};
  if (chart.from_zero) low = std::min(low, 0.0);
  if (chart.from_zero && high < 0) high = 0;
  if (high == low) high = low + (low == 0 ? 1 : std::abs(low) * 0.1);
  return {low, high};
}

std::string line_of(const Frame& frame, const Chart& chart, const Series& series) {
  std::string path, dots;
  bool pen_down = false;
  std::size_t points = 0;
  for (const auto& value : series.values) points += value ? 1 : 0;
  for (std::size_t i = 0; i < chart.rounds.size(); ++i) {
    const auto& value = series.values[i];
    if (!value) {
      continue;  // the line goes on to the next round that has one
    }
    const double x = frame.x(chart.rounds[i]);
    const double y = frame.y(*value);
    path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", x, y);
    pen_down = true;
    if (points <= kMostDots)
      dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", x, y);
  }
  return fmt::format("<g class=\"line {}\"><path d=\"{}\"/>{}</g>", series.color, path, dots);
}

std::string column_of(const Frame& frame, const Chart& chart, std::size_t place) {
  const double width = std::min(kWidestColumn, frame.slot() * 0.72);
  const double left = frame.x(chart.rounds[place]) - width / 2;
  const double gap = width > 4 ? kSurfaceGap : 0;
  double base = 0;
  std::string out;
  for (const Series& series : chart.series) {
    const double value = std::max(0.0, series.values[place].value_or(0));
    const double top = frame.y(base + value);
    const double height = frame.y(base) - top - (base > 0 ? gap : 0);
    base += value;
    if (height < 0.2) continue;
    out += fmt::format(
        "<rect class=\"{}\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" "
        "rx=\"{}\"/>",
        series.color, left, top, width, height, width > 8 ? 1.5 : 0);
  }
  return out;
}

double tallest(const Chart& chart) {
  double high = 0;
  for (std::size_t i = 0; i < chart.rounds.size(); ++i) {
    double sum = 0;
    for (const Series& series : chart.series) sum += std::max(0.0, series.values[i].value_or(0));
    high = std::max(high, sum);
  }
  return high > 0 ? high : 1;
}

}  // namespace

std::string line_chart(const Chart& chart) {
  const auto [low, high] = range_of(chart);
  const Frame frame(chart, low, high);
  std::string marks;
  for (const Series& series : chart.series) marks += line_of(frame, chart, series);
  return (chart.series.size() > 1 ? legend(chart.series) : "") + frame.svg(marks);
}

std::string stacked_columns(const Chart& chart) {
  const Frame frame(chart, 0, tallest(chart));
  std::string marks;
  for (std::size_t i = 0; i < chart.rounds.size(); ++i) marks += column_of(frame, chart, i);
  return legend(chart.series) + frame.svg(element("g", "class=\"columns\"", marks));
}

std::string share_bar(const std::string& title, const std::vector<Part>& parts,
                      const Format& format) {
  double total = 0;
  for (const Part& part : parts) total += std::max(0.0, part.value);
  if (total <= 0) return {};
  std::string bar, rows;
  for (const Part& part : parts) {
    const double share = std::max(0.0, part.value) / total;
    const std::string figures = fmt::format("{} · {:.1f}%", format(part.value), share * 100);
    if (share >= kSmallestShare) {
      bar += fmt::format("<i class=\"{}\" style=\"flex-grow:{:.4f}\" data-tip=\"{}\"></i>",
                         part.color, share, escape_html(part.name + "\n" + figures));
    }
    rows += fmt::format("<li><i class=\"{}\"></i><span>{}</span><b>{}</b><em>{:.1f}%</em></li>",
                        part.color, escape_html(part.name), escape_html(format(part.value)),
                        share * 100);
  }
  return fmt::format(
      "<div class=\"share\" role=\"img\" aria-label=\"{}\">{}</div><ul class=\"shares\">{}</ul>",
      escape_html(title), bar, rows);
}

}  // namespace skerry::cli
