#include "step.hpp"

#include <algorithm>
#include <cstdio>

namespace federated {

using Status = Assignment::Status;
using Type = skerry::Event::Type;

namespace {

// A task may run on beyond its round: it warms its worker up for the next one. But not for ever.
constexpr std::int64_t kLeastRun = 60'000;

// A person must change something, or the engine meant it: another try would end the same way.
bool worth_another_try(const std::string& code) {
  return code != "invalid_argument" && code != "unsupported" && code != "cancelled" &&
         code != "quarantined" && code != "timeout" && code.rfind("rejected", 0) != 0;
}

bool ended_its_worker(const std::string& code) {
  return code == "crashed" || code == "hung" || code == "timeout" || code == "out_of_memory";
}

Assignment* find_running(std::vector<Assignment>& work, const std::string& task) {
  for (Assignment& each : work) {
    if (each.task == task && each.status == Status::running) return &each;
  }
  return nullptr;
}

// What a task says it worked on; 0 when it says nothing that makes sense.
std::uint64_t samples_in(const skerry::Json& result) {
  const auto found = result.find("samples");
  if (found == result.end() || !found->is_number_unsigned()) return 0;
  return found->get<std::uint64_t>();
}

void reject(Assignment& assignment, const char* code, const std::string& message) {
  assignment.status = Status::rejected;
  assignment.code = code;
  assignment.message = message;
}

}  // namespace

std::uint64_t mix_seed(std::uint64_t seed, std::size_t index) {
  constexpr std::uint64_t kGoldenRatio =
      0x9E3779B97F4A7C15;  // 2^64 / phi: far apart for near indices
  return seed ^ (static_cast<std::uint64_t>(index) * kGoldenRatio);
}

void Step::apply() {
  if (state_.phase == Phase::done) return;
  switch (event_.type) {
    case Type::started:
      return on_started();
    case Type::task_finished:
      return on_finished();
    case Type::task_failed:
      return on_failed();
    case Type::timer_fired:
      return on_timer();
    case Type::node_joined:
      return on_joined();
    case Type::node_lost:
      return on_lost();
    case Type::signal:
      return on_stop();
    // The engine gives running tasks and timers back by itself.
    case Type::restarted:
    case Type::task_reported:
    case Type::unknown:
      return;
  }
}

void Step::on_finished() {
  Assignment* found = find_running(state_.work, event_.task);
  if (found == nullptr) return;
  if (found->encoded.empty())
    accept(*found);
  else
    accept_decoded(*found);
  settle();
}

void Step::accept(Assignment& assignment) {
  int last = 0;
  for (const Assignment& each : state_.work) last = std::max(last, each.answer);
  assignment.answer = last + 1;
  assignment.metrics = event_.metrics;
  assignment.seconds = event_.seconds;
  assignment.bytes = event_.bytes;
  assignment.cpu_seconds = event_.cpu_seconds;
  assignment.samples = samples_in(event_.result);
  if (state_.phase != Phase::evaluating) {
    const char* output = state_.phase == Phase::training ? "update" : "model";
    const auto artifact = event_.artifacts.find(output);
    if (artifact == event_.artifacts.end() || artifact->second.digest.empty()) {
      return reject(assignment, "rejected.missing",
                    std::string("the answer holds no artifact `") + output + "`");
    }
    assignment.artifact = artifact->second.digest;
  }
  if (state_.phase == Phase::training) {
    if (settings_.codec) return decode(assignment);
    note_clipped(assignment);
  }
  assignment.status = Status::done;
}

// What a node's codec gave becomes an update on the cloud, where it has to keep to the limits.
void Step::decode(Assignment& assignment) {
  assignment.encoded = std::move(assignment.artifact);
  assignment.artifact.clear();
  assignment.task = task_prefix() + "/decode/" + assignment.node;
  assignment.tries = 1;
  start(assignment);
}

void Step::accept_decoded(Assignment& assignment) {
  const auto artifact = event_.artifacts.find("update");
  if (artifact == event_.artifacts.end() || artifact->second.digest.empty())
    return reject(assignment, "rejected.missing", "the codec made no update of it");
  assignment.artifact = artifact->second.digest;
  note_clipped(assignment);
  assignment.encoded.clear();
  assignment.status = Status::done;
}

void Step::note_clipped(Assignment& assignment) const {
  const auto clipped = event_.clipped.find("update");
  if (clipped != event_.clipped.end()) assignment.clipped = clipped->second;
}

void Step::on_failed() {
  Assignment* found = find_running(state_.work, event_.task);
  if (found == nullptr) return;
  const bool decoding = !found->encoded.empty();
  if (worth_another_try(event_.code) && !(decoding && ended_its_worker(event_.code)) &&
      found->tries <= settings_.retries) {
    const std::string suffix = found->tries > 1 ? "/" + std::to_string(found->tries) : "";
    found->task.resize(found->task.size() - suffix.size());
    found->task += "/" + std::to_string(++found->tries);
    return start(*found);
  }
  const bool rejected = event_.code.rfind("rejected", 0) == 0;
  found->status = rejected ? Status::rejected : Status::failed;
  found->code = event_.code;
  found->message = event_.message;
  if (decoding) refuse_encoded(*found);
  settle();
}

// A node's update that is found to be bad once it is decoded: the engine blames no node for a task
// on the cloud, so that this has to.
void Step::refuse_encoded(Assignment& assignment) {
  if (assignment.code == "invalid_argument" || ended_its_worker(assignment.code)) {
    assignment.message = assignment.code + ": " + assignment.message;
    assignment.status = Status::rejected;
    assignment.code = "rejected.encoding";
  }
  if (assignment.status == Status::rejected) {
    commands_.note(assignment.code,
                   "in round " + std::to_string(state_.round.number) +
                       " its encoded update is refused: " + assignment.message,
                   assignment.node, assignment.encoded);
  }
  assignment.encoded.clear();
}

void Step::settle() {
  switch (state_.phase) {
    case Phase::starting:
      return settle_init();
    case Phase::training:
      return settle_training(false);
    case Phase::aggregating:
      return settle_aggregation();
    case Phase::evaluating:
      return settle_evaluation(false);
    case Phase::gathering:
    case Phase::done:
      return;
  }
}

void Step::on_timer() {
  if (event_.timer.empty() || event_.timer != state_.timer) return;
  state_.timer.clear();
  const std::string late = "no answer within " + seconds_text(settings_.deadline_ms);
  switch (state_.phase) {
    case Phase::starting:
      return next_init(late);
    case Phase::gathering:
      return retry_round("");
    case Phase::training:
      return settle_training(true);
    case Phase::evaluating:
      return settle_evaluation(true);
    case Phase::aggregating:
    case Phase::done:
      return;
  }
}

void Step::on_joined() {
  if (event_.node.empty()) return;
  if (state_.phase == Phase::starting) {
    auto& waiting = state_.waiting;
    const auto place = std::lower_bound(waiting.begin(), waiting.end(), event_.node);
    if (place == waiting.end() || *place != event_.node) waiting.insert(place, event_.node);
    return advance_start();
  }
  if (Member* member = find_member(state_, event_.node)) {
    member->online = true;
  } else {
    state_.members.emplace_back();
    state_.members.back().name = event_.node;
  }
  if (state_.phase == Phase::gathering) gather();
}

// A task of a node that is lost is kept until the deadline: the node may come back with the answer.
void Step::on_lost() {
  if (state_.phase == Phase::starting) {
    auto& waiting = state_.waiting;
    waiting.erase(std::remove(waiting.begin(), waiting.end(), event_.node), waiting.end());
  } else if (Member* member = find_member(state_, event_.node)) {
    member->online = false;
  }
}

void Step::on_stop() {
  if (event_.name != "stop") return;
  if (state_.rounds_done == state_.refused) {
    return fail("stopped by a signal before a round gave a model: there is no trained model");
  }
  succeed("stopped by a signal after round " + std::to_string(state_.rounds_done) + ": " +
          outcome());
}

void Step::assign(std::vector<std::string> nodes, const std::string& step) {
  state_.work.clear();
  for (std::string& node : nodes) {
    Assignment assignment;
    assignment.task = step + (node == skerry::kCloud ? "" : "/" + node);
    assignment.node = std::move(node);
    start(assignment);
    state_.work.push_back(std::move(assignment));
  }
}

void Step::start(const Assignment& assignment) {
  skerry::TaskStart task;
  switch (state_.phase) {
    case Phase::training:
      task = assignment.encoded.empty() ? training_task(assignment) : decoding_task(assignment);
      break;
    case Phase::aggregating:
      task = aggregation_task(assignment);
      break;
    case Phase::evaluating:
      task = evaluation_task(assignment);
      break;
    default:
      task.kind = "federated.init";
      task.params = {{"seed", state_.seed}};
  }
  task.deadline_ms = std::max(2 * settings_.deadline_ms, kLeastRun);
  task.task = assignment.task;
  task.node = assignment.encoded.empty() ? assignment.node : skerry::kCloud;
  commands_.start_task(task);
}

void Step::stop_running(Status becomes) {
  for (Assignment& each : state_.work) {
    if (each.status != Status::running) continue;
    commands_.stop_task(each.task);
    each.status = becomes;
  }
}

void Step::set_timer(const std::string& name) {
  state_.timer = name;
  commands_.set_timer(name, settings_.deadline_ms);
}

void Step::clear_timer() {
  if (state_.timer.empty()) return;
  commands_.cancel_timer(state_.timer);
  state_.timer.clear();
}

void Step::succeed(const std::string& message) {
  end();
  commands_.succeed(message);
}

void Step::fail(const std::string& message) {
  end();
  commands_.fail(message);
}

// The engine keeps the artifacts that the state names: from here on only the model.
void Step::end() {
  stop_running(Status::late);
  clear_timer();
  state_.work.clear();
  state_.round = Round{};
  state_.phase = Phase::done;
}

// Identifiers are unique in a job, so that a late answer to an earlier attempt can't be taken for
// one to this.
std::string Step::task_prefix() const {
  const Round& round = state_.round;
  return std::to_string(round.number) +
         (round.attempt > 1 ? "." + std::to_string(round.attempt) : "");
}

bool needs_a_person(const std::string& code) {
  return code == "invalid_argument" || code == "quarantined";
}

std::size_t count(const std::vector<Assignment>& work, Status status) {
  return static_cast<std::size_t>(std::count_if(
      work.begin(), work.end(), [&](const Assignment& each) { return each.status == status; }));
}

Member* find_member(State& state, const std::string& name) {
  const std::size_t index = member_index(state, name);
  return index < state.members.size() ? &state.members[index] : nullptr;
}

std::size_t member_index(const State& state, const std::string& name) {
  const auto found = std::find_if(state.members.begin(), state.members.end(),
                                  [&](const Member& each) { return each.name == name; });
  return static_cast<std::size_t>(found - state.members.begin());
}

std::vector<std::string> online_members(const State& state) {
  std::vector<std::string> names;
  for (const Member& each : state.members) {
    if (each.online) names.push_back(each.name);
  }
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& each : names) text += (text.empty() ? "" : ", ") + each;
  return text;
}

std::string text_of(const std::vector<Refusal>& refusals) {
  std::string text;
  for (const Refusal& each : refusals) {
    text += (text.empty() ? "" : "; ") + each.node + ": " + each.code;
    if (!each.message.empty()) text += ": " + each.message;
  }
  return text;
}

std::string text_of(const std::map<std::string, double>& metrics) {
  std::string text;
  for (const auto& [name, value] : metrics) {
    char number[32];
    std::snprintf(number, sizeof(number), "%.4g", value);
    text += (text.empty() ? "" : ", ") + name + " " + number;
  }
  return text;
}

std::string seconds_text(std::int64_t milliseconds) {
  char text[32];
  std::snprintf(text, sizeof(text), "%gs", static_cast<double>(milliseconds) / 1000.0);
  return text;
}

}  // namespace federated
