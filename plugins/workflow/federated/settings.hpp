#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <skerry/workflow.hpp>

namespace federated {

// When to stop before the last round: as soon as a round's metric compares so with the value.
struct Stop {
  std::string metric;
  std::string op;  // ">=", ">", "<=" or "<"
  double value = 0;

  bool reached(double found) const;
  std::string text() const;  // "accuracy >= 0.99"
};

// What the job's spec asks for, read once when the job starts. The state keeps the result, not the
// spec.
struct Settings {
  int rounds = 1;
  int quorum = 1;
  int nodes = 1;                 // how many to wait for before the first round
  std::int64_t deadline_ms = 0;  // of a round's training, and of an evaluation on the edges
  int retries = 1;               // further tries of a failed task on the same node
  int attempts = 3;              // tries of a round that misses its quorum
  std::string where = "cloud";   // of the evaluation: "cloud", "edges" or "none"
  int every = 1;                 // evaluate each so many rounds, and after the last
  std::optional<Stop> stop;
  std::string initial_model;  // digest of an artifact; empty: a task makes the first model

  static Settings from_spec(const skerry::Json& spec);
};

void to_json(skerry::Json&, const Settings&);
void from_json(const skerry::Json&, Settings&);

}  // namespace federated
