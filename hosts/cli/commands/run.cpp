#include <fmt/format.h>

#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/run/embedded_run.hpp"
#include "hosts/cli/view/problems.hpp"

namespace skerry::cli {
namespace {

constexpr int kMostEdges = 1000;
constexpr int kMostThreads = 1024;

std::optional<Problem> wrong_number(const char* option, int found, int most) {
  if (found >= 1 && found <= most) return std::nullopt;
  return Problem{Code::invalid_argument,
                 fmt::format("found {}, expected a number from 1 to {}", found, most), "", option};
}

}  // namespace

int run_command(const RunOptions& options) {
  if (const auto wrong = wrong_number("--edges", options.edges, kMostEdges)) {
    return complain(*wrong, options.json, kBadInput);
  }
  if (const auto wrong =
          wrong_number("--threads-per-edge", options.threads_per_edge.value_or(1), kMostThreads)) {
    return complain(*wrong, options.json, kBadInput);
  }
  if (!options.out.empty()) {
    const Status usable = ResultFolder::check(ResultFolder::choose(options.out, ""));
    if (!usable) return complain(usable.error(), options.json, kBadInput);
  }
  return EmbeddedRun(options).execute();
}

}  // namespace skerry::cli
