// What a conformance check is, and how it tells what it found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skerry::conformance {

class Subject;

// What a plugin is asked for.
enum class Level {
  required = 1,  // hosts and jobs rely on it
  expected = 2,  // whoever uses the plugin will miss it
  polished = 3   // a pleasure to use
};

struct Check {
  const char* name;  // what documents, reports and --include call it
  const char* kind;  // "aggregation": each feature of that kind; "*": each feature; "": the file
  Level level;
  const char* rule;       // what holds for a good plugin, as a sentence
  void (*run)(Subject&);  // returns, or throws one of the two below
};

// The check that the others need.
inline constexpr const char* kOpens = "opens";

// Every check there is, in the order in which they run.
const std::vector<Check>& all_checks();

std::vector<Check> file_checks();
std::vector<Check> feature_checks();
std::vector<Check> aggregation_checks();
std::vector<Check> codec_checks();
std::vector<Check> selection_checks();
std::vector<Check> sampling_checks();
std::vector<Check> inference_checks();
std::vector<Check> payload_checks();
std::vector<Check> dataset_checks();
std::vector<Check> source_checks();
std::vector<Check> sink_checks();
std::vector<Check> estimator_checks();
std::vector<Check> workflow_checks();
std::vector<Check> task_checks();

// The plugin is at fault: what was found, and what would be right.
struct Failed {
  std::string message;
};
// It can't be told here: why, and what would make it possible.
struct Skipped {
  std::string reason;
};

inline void expect(bool holds, std::string_view message) {
  if (!holds) throw Failed{std::string(message)};
}

}  // namespace skerry::conformance
