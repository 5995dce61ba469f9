#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <skerry/selection.hpp>
#include <skerry/workflow.hpp>

#include "record.hpp"
#include "state.hpp"

namespace federated {

// Asks the job's selection: distinct indices of candidates. Throws skerry::Error.
using Select = std::function<std::vector<std::uint32_t>(const std::vector<skerry::Candidate>&,
                                                        std::uint32_t round, std::uint64_t seed)>;

// seed ^ (index * 0x9E3779B97F4A7C15), modulo 2^64. A member trains with the job's seed mixed with
// its index; index 0 leaves the seed as it is, so that a job of one node does what plain local
// training with that seed does.
std::uint64_t mix_seed(std::uint64_t seed, std::size_t index);

// One event applied to the state. The parts of a job follow each other as the files do:
//   start.cpp       until there are enough nodes and a first model
//   training.cpp    a round's participants, its quorum and its deadline
//   publishing.cpp  aggregation, evaluation, the record, and what comes next
//   step.cpp        what they share: events, answers of tasks, the timer, the end
// At any time the state's `work` holds the tasks of one phase, and answers to other tasks are
// ignored: nothing that comes late changes a set that is frozen.
class Step {
 public:
  Step(State& state, const skerry::Event& event, const Select& select)
      : state_(state), settings_(state.settings), event_(event), select_(select) {}

  void apply();
  void fail(const std::string& message);
  const skerry::Commands& commands() const { return commands_; }

 private:
  // step.cpp
  void on_finished();
  void on_failed();
  void on_timer();
  void on_joined();
  void on_lost();
  void on_stop();
  void settle();
  void accept(Assignment&);
  void accept_decoded(Assignment&);
  void decode(Assignment&);
  void note_clipped(Assignment&) const;
  void refuse_encoded(Assignment&);
  void assign(std::vector<std::string> nodes, const std::string& step);
  void start(const Assignment&);
  void stop_running(Assignment::Status becomes);
  void set_timer(const std::string& name);
  void clear_timer();
  void succeed(const std::string& message);
  void end();
  std::string task_prefix() const;

  // start.cpp
  void on_started();
  void advance_start();
  void start_init(const std::string& node);
  void settle_init();
  void next_init(const std::string& why);

  // training.cpp
  void open_round(int number);
  void gather();
  void await_members(std::size_t online, std::size_t chosen);
  void train(const std::vector<std::string>& nodes);
  void settle_training(bool deadline);
  bool is_decoding() const;
  void give_up_on_training();
  void close_round();
  void miss_quorum(bool deadline);
  void retry_round(const std::string& why);
  void remember_refusals();
  void remember_updates();
  skerry::TaskStart training_task(const Assignment&) const;
  skerry::TaskStart decoding_task(const Assignment&) const;

  // publishing.cpp
  void aggregate();
  void note_cuts();
  void settle_aggregation();
  bool evaluation_due() const;
  void evaluate();
  void settle_evaluation(bool deadline);
  void publish();
  std::string gate_refusal(const Record&) const;
  std::string outcome() const;
  skerry::TaskStart aggregation_task(const Assignment&) const;
  skerry::TaskStart evaluation_task(const Assignment&) const;

  State& state_;
  const Settings& settings_;
  const skerry::Event& event_;
  const Select& select_;
  skerry::Commands commands_;
};

// Small questions about the state, for all of these files.
bool needs_a_person(const std::string& code);  // another try would end the same way, on any node
std::size_t count(const std::vector<Assignment>&, Assignment::Status);
Member* find_member(State&, const std::string& name);
std::size_t member_index(const State&, const std::string& name);
std::vector<std::string> online_members(const State&);
std::string joined(const std::vector<std::string>&);  // "a, b, c"
std::string text_of(const std::vector<Refusal>&);     // "a: late: no answer within 60s; b: ..."
std::string text_of(const std::map<std::string, double>& metrics);  // "accuracy 0.97, loss 0.1"
std::string seconds_text(std::int64_t milliseconds);                // "60s", "0.5s"

}  // namespace federated
