// What the charts over rounds share: the plane, its axes, the legend.
#pragma once

#include <string>

#include "hosts/cli/report/charts.hpp"

namespace skerry::cli {

class Frame {
 public:
  static constexpr double kWidth = 640, kHeight = 250;
  static constexpr double kLeft = 64, kRight = 16, kTop = 12, kBottom = 34;

  Frame(const Chart& chart, double low, double high);

  double x(double round) const;
  double y(double value) const;
  double slot() const;  // the width that a round has
  std::string axes() const;
  // The SVG with its title for readers of screens; `bands` answer to the pointer, one a round.
  std::string svg(const std::string& marks) const;

 private:
  std::string bands() const;
  std::string tip(std::size_t place) const;

  const Chart& chart_;
  double low_, high_;
  double first_, last_;
  std::vector<double> ticks_;
};

std::string legend(const std::vector<Series>& series);

}  // namespace skerry::cli
