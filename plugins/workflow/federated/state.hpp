#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <skerry/workflow.hpp>

#include "settings.hpp"

// Everything that the workflow remembers from one event to the next. Its JSON form is the
// workflow's state; equal states have equal bytes.
namespace federated {

enum class Phase {
  starting,     // until there are enough nodes and a first model
  gathering,    // a round is open, but fewer members are online than it needs
  training,     // the round's participants train
  aggregating,  // the set of updates is frozen
  evaluating,
  done
};

// A node, from the first round on. Its place in State::members is its index, and never changes.
struct Member {
  std::string name;
  bool online = true;
  // From its last accepted update, for the selection.
  std::uint64_t samples = 0;
  std::optional<double> loss;
  std::optional<double> seconds;
  std::uint32_t last_round = 0;
};

// A task given to a node, and what became of it. Only the answer to `task`, the last try, counts.
struct Assignment {
  enum class Status { running, done, failed, rejected, late };

  std::string node;
  std::string task;
  int tries = 1;
  Status status = Status::running;
  std::string code;  // failed and rejected: why
  std::string message;
  // done: the answer.
  std::string artifact;  // digest
  // What the node sent, while a task makes an update of it; empty otherwise. `task` is that task.
  std::string encoded;
  std::uint64_t samples = 0;
  std::map<std::string, double> metrics;
  double clipped = 0;  // the norm that the update had before it was shortened; 0: it was not
  skerry::TaskSeconds seconds;
  skerry::TaskBytes bytes;
  double cpu_seconds = 0;
  int answer = 0;  // counts the answers of the phase: the highest came last
};

// Why a node's work is not in a round: for the record, and for the message when the job fails.
struct Refusal {
  std::string node;
  std::string code;
  std::string message;
};

struct Round {
  int number = 0;   // from 1
  int attempt = 1;  // its tasks carry the attempt's number from the second on
  std::int64_t started_ms = 0;
  std::int64_t closed_ms = 0;
  std::int64_t aggregated_ms = 0;
  int selected = 0;
  std::vector<Assignment> updates;  // frozen when the round closes; in member order
  std::vector<std::string> late;
  std::vector<Refusal> rejected;
  std::vector<Refusal> failed;
  std::string model;                    // what came of the aggregation
  std::vector<Assignment> evaluations;  // the answers, from the cloud or from nodes
};

struct State {
  Settings settings;
  std::string job;
  std::uint64_t seed = 0;
  Phase phase = Phase::starting;
  int init_attempt = 1;
  std::vector<std::string> waiting;  // before there are members: the nodes online, sorted
  std::vector<Member> members;
  int parts = 0;      // members when the first round began: into so many shares the data is divided
  std::string model;  // digest of the last good model; empty before there is one
  int rounds_done = 0;
  std::map<std::string, double> good_metrics;  // of the last model that passed the gate
  int refused = 0;                             // rounds whose model did not
  std::string timer;                           // the one that is set, if any
  std::vector<Assignment> work;                // of this phase, in member order
  Round round;
  std::map<std::string, double> last_metrics;  // of the last record

  skerry::Json to_json() const;
  static State from_json(const skerry::Json&);
};

}  // namespace federated
