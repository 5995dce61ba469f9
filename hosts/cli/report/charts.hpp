// Charts as inline SVG. They need no script; with one, the marks show a tooltip. Colours come from
// the page's classes "s1" to "s8".
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace skerry::cli {

using Format = std::function<std::string(double)>;

struct Series {
  std::string name;
  std::string color;                          // class: "s1"
  std::vector<std::optional<double>> values;  // one a round
};

struct Chart {
  std::string title;
  std::vector<double> rounds;
  std::vector<Series> series;
  Format format;          // of values
  Format axis;            // of the values on the axis
  bool from_zero = true;  // does the axis have to include zero?
};

// A line a series; more than one get a legend.
std::string line_chart(const Chart& chart);

// Columns, one a round, with the series stacked in order. Missing values count as zero.
std::string stacked_columns(const Chart& chart);

struct Part {
  std::string name;
  std::string color;
  double value = 0;
};
// One bar for a whole and its parts, and a legend with the figures.
std::string share_bar(const std::string& title, const std::vector<Part>& parts,
                      const Format& format);

// Round values that span [low, high]: 0, 20, 40, 60.
std::vector<double> axis_ticks(double low, double high, int about);

}  // namespace skerry::cli
