#pragma once

#include <cstdint>
#include <map>
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

// What an update must keep to, to be counted.
struct Limits {
  std::uint64_t min_samples = 1;
  std::uint64_t max_samples = std::uint64_t{1} << 53;  // exact as a double
  std::map<std::string, std::uint64_t> node_samples;   // the most of a node, by its name
  std::uint64_t bytes = 0;                             // 0: as many as the model needs
  std::optional<double> norm;                          // of the update less its base
  bool clip = false;                                   // shorten what is longer, do not refuse it
  std::optional<double> share;                         // of the weights, that one node may have

  std::uint64_t most_samples(const std::string& node) const;
};

// When a round's model is good enough to be published.
struct Gate {
  std::string metric;
  std::optional<double> at_least, at_most;
  // How much worse than at the last model that passed.
  std::optional<double> max_drop, max_rise;

  // Why it does not pass; empty: it does. `last`: of the last model that passed, if there is one.
  std::string refusal(std::optional<double> found, std::optional<double> last) const;
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
  bool codec = false;            // do updates travel encoded?
  std::optional<Stop> stop;
  Limits limits;
  std::optional<Gate> gate;
  std::string initial_model;  // digest of an artifact; empty: a task makes the first model

  static Settings from_spec(const skerry::Json& spec);
};

void to_json(skerry::Json&, const Settings&);
void from_json(const skerry::Json&, Settings&);

}  // namespace federated
