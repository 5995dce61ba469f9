#include "hosts/cli/report/frame.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "hosts/cli/report/html.hpp"

namespace skerry::cli {
namespace {

constexpr int kValueTicks = 4;
constexpr int kRoundTicks = 8;
constexpr double kMargin = 0.5;  // of a round, left and right of the first and the last

}  // namespace

std::vector<double> axis_ticks(double low, double high, int about) {
  if (!(high > low)) return {low};
  const double rough = (high - low) / about;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = power;
  for (const double factor : {1.0, 2.0, 5.0, 10.0}) {
    step = power * factor;
    if (step >= rough * 0.999) break;
  }
  std::vector<double> ticks;
  const double first = std::ceil(low / step - 1e-9);
  for (double i = first; i * step <= high + step * 1e-9; ++i)
    ticks.push_back(i * step + 0.0);  // never "-0"
  return ticks;
}

Frame::Frame(const Chart& chart, double low, double high) : chart_(chart), low_(low), high_(high) {
  ticks_ = axis_ticks(low, high, kValueTicks);
  // The axis ends on a tick, so that the highest value has room below a line.
  if (ticks_.size() > 1) {
    const double step = ticks_[1] - ticks_[0];
    if (ticks_.back() < high - step * 1e-6) ticks_.push_back(ticks_.back() + step);
    if (ticks_.front() > low + step * 1e-6) ticks_.insert(ticks_.begin(), ticks_.front() - step);
    low_ = ticks_.front();
    high_ = ticks_.back();
  }
  first_ = chart.rounds.empty() ? 0 : chart.rounds.front();
  last_ = chart.rounds.empty() ? 1 : std::max(chart.rounds.back(), first_);
}

double Frame::slot() const {
  return (kWidth - kLeft - kRight) / (last_ - first_ + 2 * kMargin);
}

double Frame::x(double round) const {
  return kLeft + (round - first_ + kMargin) * slot();
}

double Frame::y(double value) const {
  const double height = kHeight - kTop - kBottom;
  const double span = high_ > low_ ? high_ - low_ : 1;
  return kTop + height * (1 - std::clamp((value - low_) / span, 0.0, 1.0));
}

std::string Frame::axes() const {
  std::string out;
  for (const double tick : ticks_) {
    const bool base = tick == ticks_.front();
    out +=
        fmt::format("<line class=\"{}\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>",
                    base ? "base" : "grid", kLeft, kWidth - kRight, y(tick), y(tick));
    out +=
        fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
                    kLeft - 8, y(tick) + 4, escape_html(chart_.axis(tick)));
  }
  for (const double tick : axis_ticks(first_, last_, kRoundTicks)) {
    if (tick != std::floor(tick)) continue;
    out += fmt::format(
        "<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{:.0f}</text>",
        x(tick), kHeight - kBottom + 18, tick);
  }
  out +=
      fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">round</text>",
                  kLeft - 8, kHeight - kBottom + 18);
  return out;
}

std::string Frame::tip(std::size_t place) const {
  std::string text = fmt::format("Round {:.0f}", chart_.rounds[place]);
  for (const Series& series : chart_.series) {
    const auto& value = series.values[place];
    text += "\n" + series.name + ": " + (value ? chart_.format(*value) : "–");
  }
  return text;
}

std::string Frame::bands() const {
  std::string out;
  for (std::size_t i = 0; i < chart_.rounds.size(); ++i) {
    out += fmt::format(
        "<rect class=\"band\" x=\"{:.2f}\" y=\"{}\" width=\"{:.2f}\" height=\"{}\" "
        "data-tip=\"{}\"/>",
        x(chart_.rounds[i]) - slot() / 2, kTop, slot(), kHeight - kTop - kBottom,
        escape_html(tip(i)));
  }
  return out;
}

std::string Frame::svg(const std::string& marks) const {
  return fmt::format(
      "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{} by round; the figures are in the "
      "table of "
      "rounds\">{}{}{}</svg>",
      kWidth, kHeight, escape_html(chart_.title), axes(), marks, bands());
}

std::string legend(const std::vector<Series>& series) {
  std::string keys;
  for (const Series& one : series) {
    keys += element("span", "class=\"key\"",
                    fmt::format("<i class=\"{}\"></i>{}", one.color, escape_html(one.name)));
  }
  return element("div", "class=\"legend\"", keys);
}

}  // namespace skerry::cli
