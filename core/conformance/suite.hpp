// The checks that a plugin has to pass, run one by one.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/conformance/check.hpp"
#include "core/conformance/subject.hpp"

namespace skerry::conformance {

// A check of one feature, or of the file.
struct Case {
  const Check* check;
  const plugin::Feature* feature;  // null: of the file; borrowed from the PluginFile

  std::string label() const;  // "entry-only-export", "fedavg/zero-clients"
};

struct Options {
  // By feature id; "" for those that are not named.
  std::map<std::string, Json> configs;
  std::uint64_t seed = 42;                  // what is made up depends on it and on the case
  std::chrono::milliseconds limit{60'000};  // of one isolated case
  // The case `opens` failed: those that need the plugin's code are skipped, not failed once more.
  bool known_not_to_open = false;
};

enum class Verdict { passed, failed, skipped };
std::string verdict_name(Verdict verdict);  // "passed"

struct Outcome {
  Verdict verdict = Verdict::passed;
  std::string message;  // empty where it passed
  std::string log;      // what the plugin printed, and where it crashed
};

// In the order in which they should run. `file` must outlive them.
std::vector<Case> cases_of(const PluginFile& file);

// In this process, which the plugin can end, and which keeps its code.
Outcome run_here(const PluginFile& file, const Case& which, const Options& options);
// In a process of its own. Call it while no other thread runs: it forks.
Outcome run_isolated(const PluginFile& file, const Case& which, const Options& options);

}  // namespace skerry::conformance
