#include "hosts/cli/view/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "hosts/cli/view/record.hpp"

namespace skerry::cli {
namespace {

constexpr int kBarWidth = 24;
// A guess of the time left is worth showing from this part of the job on.
constexpr double kEnoughToGuess = 0.05;

bool is_running(const Json& task) {
  const std::string state = text_at(task, "state", "running");
  return state != "finished" && state != "failed" && state != "done";
}

std::string bar(double fraction, const Style& style) {
  const int full = static_cast<int>(std::lround(std::clamp(fraction, 0.0, 1.0) * kBarWidth));
  std::string done, rest;
  for (int i = 0; i < full; ++i) done += style.unicode ? "━" : "#";
  for (int i = full; i < kBarWidth; ++i) rest += style.unicode ? "─" : "-";
  return paint(style, Tone::good, done) + paint(style, Tone::faint, rest);
}

std::string task_texts(const Json& tasks) {
  std::string text;
  for (const Json& task : tasks) {
    if (!is_running(task)) continue;
    const double done = number_at(task, "progress").value_or(0);
    text += "  " + text_at(task, "node");
    if (done > 0) text += fmt::format(" {:.0f}%", std::min(done, 1.0) * 100);
  }
  return printable(text);
}

}  // namespace

double job_fraction(const Progress& progress) {
  if (progress.total_rounds == 0) return 0;
  double round = 0;
  std::size_t tasks = 0;
  for (const Json& task : progress.tasks) {
    round += is_running(task) ? number_at(task, "progress").value_or(0) : 1.0;
    ++tasks;
  }
  if (tasks > 0) round /= static_cast<double>(tasks);
  const double total = static_cast<double>(progress.total_rounds);
  const double done = static_cast<double>(progress.rounds) + std::clamp(round, 0.0, 1.0);
  return std::min(1.0, done / total);
}

std::string progress_line(const Progress& progress, const Style& style) {
  const double fraction = job_fraction(progress);
  std::string head = progress.phase == "Running" || progress.phase.empty()
                         ? fmt::format("round {}", progress.rounds + 1)
                         : fmt::format("{}, round {}", progress.phase, progress.rounds + 1);
  std::string tail;
  if (progress.total_rounds > 0) {
    head = fmt::format("{}/{}", head, progress.total_rounds);
    tail = fmt::format(" {:3.0f}%", fraction * 100);
  }
  if (progress.total_rounds > 0 && fraction >= kEnoughToGuess && progress.rounds > 0) {
    const double left = progress.seconds / fraction * (1 - fraction);
    tail += "  " + (left < 60 ? fmt::format("{:.0f} s", std::ceil(left)) : format_seconds(left)) +
            " left";
  }
  tail += task_texts(progress.tasks);
  // One column stays free: a full line would make some terminals wrap.
  const int bar_space = progress.total_rounds > 0 ? kBarWidth + 2 : 0;
  const int room = style.width - 1 - bar_space - text_width(head);
  tail = shorten(tail, std::max(3, room));
  if (bar_space == 0) return head + tail;
  return head + "  " + bar(fraction, style) + tail;
}

}  // namespace skerry::cli
