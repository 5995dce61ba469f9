#include <algorithm>
#include <limits>

#include "step.hpp"

namespace federated {

using Status = Assignment::Status;

namespace {

// Another attempt at a round may choose other nodes.
std::uint64_t selection_seed(const State& state) {
  return mix_seed(state.seed, static_cast<std::size_t>(state.round.attempt - 1));
}

void limit_norm(skerry::OutputLimit& limit, const Limits& limits) {
  limit.norm = limits.norm.value_or(limit.norm);
  limit.clip = limits.clip;
}

}  // namespace

void Step::open_round(int number) {
  state_.round = Round{};
  state_.round.number = number;
  state_.round.started_ms = event_.at_ms;
  gather();
}

// Starts the round's training as soon as enough members are online.
void Step::gather() {
  state_.phase = Phase::gathering;
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  std::vector<skerry::Candidate> candidates;
  for (const Member& each : state_.members) {
    if (!each.online) continue;
    candidates.push_back({each.name, each.samples, each.loss.value_or(unknown),
                          each.seconds.value_or(unknown), each.last_round});
  }
  const auto quorum = static_cast<std::size_t>(settings_.quorum);
  if (candidates.size() < quorum) return await_members(candidates.size(), candidates.size());

  const auto number = static_cast<std::uint32_t>(state_.round.number);
  std::vector<std::uint32_t> chosen = select_(candidates, number, selection_seed(state_));
  std::sort(chosen.begin(), chosen.end());
  if (chosen.size() < quorum) return await_members(candidates.size(), chosen.size());
  std::vector<std::string> nodes;
  for (std::uint32_t index : chosen) nodes.push_back(candidates.at(index).node);
  train(nodes);
}

// More members may come online until the deadline. A selection that is given all members and still
// takes fewer than the quorum will never do otherwise.
void Step::await_members(std::size_t online, std::size_t chosen) {
  const std::string round = "round " + std::to_string(state_.round.number);
  if (online == state_.members.size()) {
    return fail(round + ": the selection took " + std::to_string(chosen) + " of " +
                std::to_string(online) + " nodes, and the quorum is " +
                std::to_string(settings_.quorum) + ". Let it take more, or lower the quorum");
  }
  if (state_.timer.empty()) set_timer(task_prefix() + "/nodes");
  commands_.set_status("Waiting", round + " needs " + std::to_string(settings_.quorum) +
                                      " nodes, " + std::to_string(online) + " of " +
                                      std::to_string(state_.members.size()) + " are online");
}

void Step::train(const std::vector<std::string>& nodes) {
  clear_timer();
  state_.phase = Phase::training;
  state_.round.selected = static_cast<int>(nodes.size());
  assign(nodes, task_prefix() + "/train");
  set_timer(task_prefix() + "/deadline");
  commands_.set_status("Running", "round " + std::to_string(state_.round.number) + " of " +
                                      std::to_string(settings_.rounds));
}

// A node that joined after the first round began has an index beyond the shares, and works on one
// that another has too.
skerry::TaskStart Step::training_task(const Assignment& assignment) const {
  const std::size_t index = member_index(state_, assignment.node);
  skerry::TaskStart task;
  task.kind = "federated.train";
  task.params = {{"round", state_.round.number},
                 {"index", index % static_cast<std::size_t>(state_.parts)},
                 {"parts", state_.parts},
                 {"seed", mix_seed(state_.seed, index)}};
  task.inputs["model"] = state_.model;
  task.expects["update"] = state_.model;
  skerry::OutputLimit& limit = task.limits["update"];
  limit.bytes = settings_.limits.bytes;
  limit.min_samples = settings_.limits.min_samples;
  limit.max_samples = settings_.limits.most_samples(assignment.node);
  if (settings_.codec) {
    task.params["encode"] = true;
    limit.encoded = true;
  } else {
    limit_norm(limit, settings_.limits);
  }
  return task;
}

skerry::TaskStart Step::decoding_task(const Assignment& assignment) const {
  skerry::TaskStart task;
  task.kind = "federated.decode";
  task.inputs["encoded"] = assignment.encoded;
  task.inputs["base"] = state_.model;
  task.expects["update"] = state_.model;
  limit_norm(task.limits["update"], settings_.limits);
  return task;
}

// A round closes when everybody answered, or at its deadline with a quorum.
void Step::settle_training(bool deadline) {
  const auto quorum = static_cast<std::size_t>(settings_.quorum);
  const std::size_t done = count(state_.work, Status::done);
  const std::size_t running = count(state_.work, Status::running);
  if (deadline && is_decoding()) return give_up_on_training();
  if (done + running < quorum || (deadline && done < quorum)) return miss_quorum(deadline);
  if (running == 0 || deadline) close_round();
}

bool Step::is_decoding() const {
  return std::any_of(state_.work.begin(), state_.work.end(), [](const Assignment& each) {
    return each.status == Status::running && !each.encoded.empty();
  });
}

// What came in time counts, however long it takes to decode; nothing else is waited for.
void Step::give_up_on_training() {
  for (Assignment& each : state_.work) {
    if (each.status != Status::running || !each.encoded.empty()) continue;
    commands_.stop_task(each.task);
    each.status = Status::late;
  }
}

void Step::close_round() {
  clear_timer();
  stop_running(Status::late);
  Round& round = state_.round;
  round.closed_ms = event_.at_ms;
  remember_refusals();
  for (const Assignment& each : state_.work) {
    if (each.status == Status::late) round.late.push_back(each.node);
    if (each.status == Status::done) round.updates.push_back(each);
  }
  remember_updates();
  aggregate();
}

void Step::remember_updates() {
  for (const Assignment& each : state_.round.updates) {
    Member& member = *find_member(state_, each.node);
    member.samples = each.samples;
    const auto loss = each.metrics.find("loss");
    member.loss = loss == each.metrics.end() ? std::nullopt : std::optional<double>(loss->second);
    member.seconds =
        each.seconds.queue + each.seconds.download + each.seconds.run + each.seconds.upload;
    member.last_round = static_cast<std::uint32_t>(state_.round.number);
  }
}

void Step::remember_refusals() {
  for (const Assignment& each : state_.work) {
    const Refusal refusal = {each.node, each.code, each.message};
    if (each.status == Status::rejected) state_.round.rejected.push_back(refusal);
    if (each.status == Status::failed) state_.round.failed.push_back(refusal);
  }
}

// Tries the round again, unless what went wrong needs a person.
void Step::miss_quorum(bool deadline) {
  std::vector<Refusal> refusals;
  std::size_t hopeless = 0;
  for (Assignment& each : state_.work) {
    const bool running = each.status == Status::running && deadline;
    if (running) commands_.stop_task(each.task);
    if (running || each.status == Status::late) {
      each.status = Status::failed;
      each.code = find_member(state_, each.node)->online ? "late" : "lost";
      each.message = "no answer within " + seconds_text(settings_.deadline_ms);
    }
    if (each.status == Status::failed || each.status == Status::rejected) {
      refusals.push_back({each.node, each.code, each.message});
    }
    if (needs_a_person(each.code)) ++hopeless;
  }
  clear_timer();
  stop_running(Status::late);
  remember_refusals();
  const std::size_t asked = state_.work.size();
  const std::size_t done = count(state_.work, Status::done);
  const std::string why = std::to_string(done) + " of " + std::to_string(asked) +
                          " nodes answered, and the quorum is " + std::to_string(settings_.quorum) +
                          ": " + text_of(refusals);
  const bool too_few_left =
      state_.members.size() - hopeless < static_cast<std::size_t>(settings_.quorum);
  if (hopeless == asked || (hopeless > 0 && too_few_left)) {
    return fail("round " + std::to_string(state_.round.number) + ": " + why);
  }
  retry_round(why);
}

// why: empty when too few members were online for the round to start at all.
void Step::retry_round(const std::string& why) {
  Round& round = state_.round;
  state_.work.clear();
  if (round.attempt < settings_.attempts) {
    ++round.attempt;
    return gather();
  }
  std::vector<std::string> missing;
  for (const Member& each : state_.members) {
    if (!each.online) missing.push_back(each.name);
  }
  std::string message = "round " + std::to_string(round.number) + " missed its quorum of " +
                        std::to_string(settings_.quorum) + " in " +
                        std::to_string(settings_.attempts) + " attempts. ";
  message += why.empty() ? "Too few nodes are online" : "In the last, " + why;
  if (!missing.empty()) message += ". Not online: " + joined(missing);
  fail(message);
}

}  // namespace federated
