#include <algorithm>
#include <functional>
#include <optional>

#include "record.hpp"
#include "step.hpp"

namespace federated {

using Status = Assignment::Status;

namespace {

// The weights of the updates, when none may have more than `share` of their sum: those above it are
// cut down to what is just allowed. When so few cannot do with so small shares, all weigh the same.
std::vector<std::uint64_t> weights_of(const std::vector<Assignment>& updates, double share) {
  std::vector<std::uint64_t> weights;
  for (const Assignment& each : updates) weights.push_back(each.samples);
  std::vector<std::uint64_t> sorted = weights;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  double rest = 0;
  for (const std::uint64_t weight : sorted) rest += static_cast<double>(weight);
  for (std::size_t cut = 0; cut < sorted.size(); ++cut) {
    // With `cut` of them at the most w: w = share * (cut * w + rest).
    const double left = 1 - share * static_cast<double>(cut);
    const double most = left > 0 ? share * rest / left : 0;
    if (left > 0 && static_cast<double>(sorted[cut]) <= most) {
      const auto limit = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(most));
      for (std::uint64_t& weight : weights) weight = std::min(weight, limit);
      return weights;
    }
    rest -= static_cast<double>(sorted[cut]);
  }
  std::fill(weights.begin(), weights.end(), sorted.back());
  return weights;
}

}  // namespace

void Step::aggregate() {
  state_.phase = Phase::aggregating;
  note_cuts();
  assign({skerry::kCloud}, task_prefix() + "/aggregate");
}

// An update that weighs less than its node says: on record, since its node is not the one to blame.
void Step::note_cuts() {
  const auto& updates = state_.round.updates;
  const auto weights = weights_of(updates, settings_.limits.share.value_or(1));
  for (std::size_t i = 0; i < updates.size(); ++i) {
    if (weights[i] == updates[i].samples) continue;
    commands_.note("limited.share",
                   "in round " + std::to_string(state_.round.number) + " its update weighs " +
                       std::to_string(weights[i]) + " of the " +
                       std::to_string(updates[i].samples) + " samples that it names",
                   updates[i].node, updates[i].artifact);
  }
}

// Inputs u0, u1, ... are the updates in member order: the same set always gives the same bits.
skerry::TaskStart Step::aggregation_task(const Assignment&) const {
  skerry::TaskStart task;
  task.kind = "federated.aggregate";
  task.params["updates"] = skerry::Json::array();
  const auto& updates = state_.round.updates;
  const auto weights = weights_of(updates, settings_.limits.share.value_or(1));
  for (std::size_t i = 0; i < updates.size(); ++i) {
    const Assignment& update = updates[i];
    task.inputs["u" + std::to_string(i)] = update.artifact;
    skerry::Json entry = {{"node", update.node}, {"samples", update.samples}};
    if (const auto loss = update.metrics.find("loss"); loss != update.metrics.end()) {
      entry["loss"] = loss->second;
    }
    if (weights[i] != update.samples) entry["weight"] = weights[i];
    task.params["updates"].push_back(std::move(entry));
  }
  task.inputs["base"] = state_.model;
  task.expects["model"] = state_.model;
  return task;
}

void Step::settle_aggregation() {
  const Assignment& answer = state_.work.front();
  if (answer.status != Status::done) {
    return fail("round " + std::to_string(state_.round.number) +
                ": the aggregation failed: " + answer.code + ": " + answer.message);
  }
  state_.round.model = answer.artifact;
  state_.round.aggregated_ms = event_.at_ms;
  state_.work.clear();
  if (!evaluation_due()) return publish();
  evaluate();
}

bool Step::evaluation_due() const {
  const int number = state_.round.number;
  return settings_.where != "none" &&
         (settings_.gate || number % settings_.every == 0 || number == settings_.rounds);
}

void Step::evaluate() {
  state_.phase = Phase::evaluating;
  if (settings_.where == "cloud") return assign({skerry::kCloud}, task_prefix() + "/evaluate");
  const std::vector<std::string> nodes = online_members(state_);
  if (nodes.empty()) return publish();
  assign(nodes, task_prefix() + "/evaluate");
  set_timer(task_prefix() + "/evaluate/deadline");
}

// The cloud measures on all held-out samples, a node on its own share of them.
skerry::TaskStart Step::evaluation_task(const Assignment& assignment) const {
  const bool on_cloud = assignment.node == skerry::kCloud;
  const std::size_t index = on_cloud ? 0 : member_index(state_, assignment.node);
  const std::size_t parts = on_cloud ? 1 : static_cast<std::size_t>(state_.parts);
  skerry::TaskStart task;
  task.kind = "federated.evaluate";
  task.params = {{"index", index % parts}, {"parts", parts}, {"seed", state_.seed}};
  task.inputs["model"] = state_.round.model;
  return task;
}

// One node that can't evaluate does not stop a job; one that is set up wrongly on every node does.
void Step::settle_evaluation(bool deadline) {
  if (count(state_.work, Status::running) > 0 && !deadline) return;
  clear_timer();
  stop_running(Status::late);
  const std::vector<Assignment> work = std::move(state_.work);
  state_.work.clear();
  std::vector<Refusal> failures;
  std::size_t hopeless = 0;
  for (const Assignment& each : work) {
    if (each.status != Status::failed && each.status != Status::rejected) continue;
    failures.push_back({each.node, each.code, each.message});
    if (needs_a_person(each.code)) ++hopeless;
  }
  const bool on_cloud = settings_.where == "cloud";
  if ((on_cloud && !failures.empty()) || hopeless == work.size()) {
    return fail("round " + std::to_string(state_.round.number) +
                ": the evaluation failed: " + text_of(failures));
  }
  for (const Assignment& each : work) {
    if (each.status == Status::done) state_.round.evaluations.push_back(each);
  }
  publish();
}

// A model that does not pass the gate is told of and forgotten: the next round starts from the last
// good one again.
void Step::publish() {
  Round& round = state_.round;
  Record record = make_record(state_, event_.at_ms);
  const std::string refusal = gate_refusal(record);
  if (refusal.empty()) {
    state_.model = round.model;
    state_.good_metrics = record.metrics;
    commands_.publish_model(state_.model, record.metrics);
  } else {
    ++state_.refused;
    record.json["refused"] = refusal;
    commands_.note("rejected.gate", "round " + std::to_string(round.number) + ": " + refusal, "",
                   round.model);
  }
  state_.rounds_done = round.number;
  state_.last_metrics = state_.good_metrics;
  commands_.report(record.json);

  const std::string done = "round " + std::to_string(round.number);
  if (settings_.stop && refusal.empty()) {
    const auto metric = record.metrics.find(settings_.stop->metric);
    if (metric != record.metrics.end() && settings_.stop->reached(metric->second)) {
      return succeed("stopped after " + done + " by " + settings_.stop->text() + ": " + outcome());
    }
  }
  if (round.number < settings_.rounds) return open_round(round.number + 1);
  if (state_.refused == round.number) {
    return fail("no model of " + std::to_string(round.number) +
                " rounds passed the gate; in the last, " + refusal);
  }
  const std::string refused =
      state_.refused == 0 ? "" : " (" + std::to_string(state_.refused) + " refused by the gate)";
  succeed(std::to_string(round.number) + " rounds" + refused + ": " + outcome());
}

// Empty: the round's model may be published.
std::string Step::gate_refusal(const Record& record) const {
  if (!settings_.gate) return {};
  const auto value = [&](const std::map<std::string, double>& metrics) {
    const auto found = metrics.find(settings_.gate->metric);
    return found == metrics.end() ? std::nullopt : std::optional<double>(found->second);
  };
  return settings_.gate->refusal(value(record.metrics), value(state_.good_metrics));
}

// The metrics of the last round; and when the metric to stop at is not among them, that too.
std::string Step::outcome() const {
  std::string text = text_of(state_.last_metrics);
  if (settings_.stop && state_.last_metrics.count(settings_.stop->metric) == 0) {
    text += " (no metric `" + settings_.stop->metric + "` to stop at)";
  }
  return text;
}

}  // namespace federated
