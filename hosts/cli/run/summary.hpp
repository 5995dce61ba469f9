// What a run came to, in numbers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "hosts/cli/view/terminal.hpp"

namespace skerry::cli {

// The parts of a round that a record tells, in the order in which they happen.
inline constexpr const char* kRoundParts[] = {"wait",   "download",  "train",
                                              "upload", "aggregate", "evaluate"};

struct RunFacts {
  std::string job;
  std::string phase;
  std::string message;
  std::vector<Json> records;
  Json bytes;              // {up, down} as the cloud counts them; may be null
  std::string model_path;  // empty: no model came of it
  std::string model_digest;
  double elapsed = 0;          // seconds, from the command's start to the job's end
  double check_seconds = 0;    // of them: checking the job before anything started
  double start_seconds = 0;    // of them: starting the hosts
  double prepare_seconds = 0;  // of them: from the job's start to its first round
  int edges = 1;
  int threads_per_edge = 1;
  int cores = 1;
  int restarts = 0;
  std::string folder;
};

// The object that --json prints and that the result folder keeps.
Json summarize(const RunFacts& facts);

// The same for people: a few lines.
std::string summary_text(const Json& summary, const Style& style);

}  // namespace skerry::cli
