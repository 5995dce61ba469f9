#pragma once

#include <string>

#include "core/base/json.hpp"
#include "hosts/cli/view/terminal.hpp"

namespace skerry::cli {

// How far a job is, as one line that fits the terminal.
struct Progress {
  std::string phase;
  std::size_t rounds = 0;        // finished
  std::size_t total_rounds = 0;  // 0: the job does not say
  double seconds = 0;            // since the job began
  Json tasks = Json::array();    // [{task, node, state, progress}]
};

std::string progress_line(const Progress& progress, const Style& style);

// Of the job, 0 to 1; the running round counts by the mean of its tasks.
double job_fraction(const Progress& progress);

}  // namespace skerry::cli
