#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/run/cluster.hpp"
#include "hosts/cli/run/job_check.hpp"
#include "hosts/cli/run/job_watch.hpp"
#include "hosts/cli/run/result_folder.hpp"
#include "hosts/cli/run/summary.hpp"
#include "hosts/cli/view/live_table.hpp"
#include "hosts/cli/view/problems.hpp"

namespace skerry::cli {

// One `skerry run`: check, start, apply, watch, keep the results, stop. Nothing starts before the
// check has passed, and everything has ended when execute() returns.
class EmbeddedRun {
 public:
  explicit EmbeddedRun(RunOptions options);
  int execute();

 private:
  using Clock = std::chrono::steady_clock;

  tl::expected<void, Problems> check();
  Status start();
  tl::expected<void, Problems> apply();
  Status follow();
  // Whatever the run came to: the model if there is one, logs, report, summary.
  void conclude();
  void keep(const Json& record);
  void fetch_model();
  void write_results();
  void set_outcome(const Problems& problems);
  double seconds_since_begin() const;
  void say(const std::string& text);

  RunOptions options_;
  Clock::time_point begun_ = Clock::now();
  std::FILE* human_;  // where the table goes
  Style style_;
  LiveTable table_;
  std::optional<JobFile> file_;
  std::optional<CheckedJob> checked_;
  std::optional<ResultFolder> folder_;
  std::unique_ptr<Cluster> cluster_;
  std::optional<JobWatch> watch_;
  Json description_ = Json::object();
  RunFacts facts_;
  std::optional<Clock::time_point> applied_;  // when the cloud took the job
};

}  // namespace skerry::cli
