#include "service.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "failures.hpp"
#include "feeds.hpp"
#include "places.hpp"
#include "reporting.hpp"
#include "settings.hpp"
#include "status.hpp"
#include "swaps.hpp"
#include "totals.hpp"

namespace joint {
namespace {

using Type = skerry::Event::Type;

constexpr const char* kTell = "tell";
constexpr const char* kEnd = "end";
constexpr std::int64_t kTellEveryMs = 5'000;
constexpr std::int64_t kProvenMs = 120'000;  // longer than a feed waits for a sink that fails
// A record is due after so long, and later after a part of the service's age: one that lives for
// years must not fill the cloud's disk.
constexpr std::int64_t kFirstRecordMs = 10'000, kLastRecordMs = 600'000, kRecordsOfAge = 360;

// ---- the beginning

void on_started(Step& step) {
  const Json& spec = step.event.spec;
  Json& state = step.state;
  state = {{"phase", "serving"},
           {"edge", nullptr},
           {"cloud", nullptr},
           {"nodes", Json::object()},
           {"places", Json::object()},
           {"tasks", Json::object()},
           {"edges", Json::object()},
           {"clouds", Json::object()},
           {"before", Json::object()},
           {"starts", 0},
           {"begun", step.event.at_ms},
           {"recorded", step.event.at_ms},
           {"news", false}};
  if (const std::string fault = fault_of(spec); !fault.empty()) return fail(step, fault);
  if (spec.contains("cloud")) {
    state["cloud"] = cloud_side(spec);
    for (int i = 0; i < state["cloud"]["replicas"].get<int>(); ++i) add_replica(step, i);
  }
  state["edge"] = edge_side(spec);
  if (has_sources(spec)) state["feed"] = feed_side(spec);
  for (const std::string& node : step.event.nodes) add_node(step, node);
  step.commands.set_timer(kTell, kTellEveryMs);
  if (spec.contains("duration"))
    step.commands.set_timer(kEnd,
                            skerry::milliseconds(spec["duration"].get<std::string>(), "duration"));
  tell(step);
}

// ---- nodes

void on_joined(Step& step) {
  const std::string& node = step.event.node;
  if (step.state["nodes"].contains(node)) {
    step.state["nodes"][node] = true;
    try_once_more(step, node);
  } else {
    add_node(step, node);
  }
  tell(step);
}

// It was revoked, or has lost what it had and is about to come back as a new one.
void leave(Step& step, const std::string& node) {
  remove_node(step, node);
  watch_feeds(step);
  tell(step);
}

// Alone it goes on serving. One that does nothing here is of no interest until it is back.
void on_lost(Step& step) {
  const std::string& node = step.event.node;
  if (!step.state["nodes"].contains(node)) return;
  step.state["nodes"][node] = false;
  is_idle(step.state, node) ? leave(step, node) : tell(step);
}

// ---- tasks

Json& counted(Json& state, const Json& task) {
  return state[task["side"] == "cloud" ? "clouds" : "edges"];
}

std::string who(Json& state, const Json& task) {
  return task["side"] == "cloud" ? task["place"]
                                 : state["places"][task["place"].get<std::string>()]["node"];
}

void count(Step& step, const Json& task) {
  const Metrics& told = step.event.metrics;
  if (note(counted(step.state, task), who(step.state, task), step.event.task,
           task["side"] == "feed" ? counts_of_feed(told) : told))
    step.state["news"] = true;
}

// A feed is at work before its sources have given anything: it may fail at the first example, or
// for want of a sink after a minute. What serves has answered a trial.
bool is_proven(const Step& step, const Json& task) {
  return task["side"] != "feed" ||
         step.event.at_ms - task["ready"].get<std::int64_t>() >= kProvenMs;
}

void on_report(Step& step) {
  const auto found = step.state["tasks"].find(step.event.task);
  if (found == step.state["tasks"].end()) return;
  Json& task = *found;
  Json& place = step.state["places"][task["place"].get<std::string>()];
  const bool newest = is_newest(step.state, task);
  const bool changes = !task.contains("ready") || (newest && place["tries"] != 0);
  if (!task.contains("ready")) task["ready"] = step.event.at_ms;
  const bool first = task["side"] == "cloud" && !cloud_has_served(step.state);
  place["served"] = std::max(place["served"], task["version"]);
  if (newest) is_proven(step, task) ? clear_failures(place) : clear_reason(place);
  count(step, task);
  if (first) start_feeds(step);
  if (changes) tell(step);
}

// What serves ends when a later version has its place, and a feed with its sources; anything else
// is a failure.
void on_end(Step& step) {
  const skerry::Event& event = step.event;
  Json& state = step.state;
  const auto found = state["tasks"].find(event.task);
  if (found == state["tasks"].end()) return;
  const Json task = *found;
  const std::string name = task["place"], node = state["places"][name]["node"];
  if (!event.metrics.empty()) count(step, task);
  end(counted(state, task), who(state, task), event.task);
  state["tasks"].erase(event.task);
  if (event.code == "lost" && !is_connected(state, node) && !has_tasks(state, node))
    return leave(step, node);
  if (task["side"] == "feed" && event.type == Type::task_finished)
    end_feed(step, name);
  else if (is_newest(state, task))
    failed(step, name);
  else if (!has_newest(state, name) && state["places"][name]["waits"] == false)
    start_later(step, name);
  tell(step);
}

// ---- timers and signals

void on_tell(Step& step) {
  step.commands.set_timer(kTell, kTellEveryMs);
  const std::int64_t age = step.event.at_ms - step.state["begun"].get<std::int64_t>();
  const std::int64_t since = step.event.at_ms - step.state["recorded"].get<std::int64_t>();
  if (since >= std::clamp(age / kRecordsOfAge, kFirstRecordMs, kLastRecordMs)) record(step);
  tell(step);
}

void on_start_due(Step& step, const std::string& name) {
  const auto place = step.state["places"].find(name);
  if (place == step.state["places"].end() || (*place)["waits"] == false) return;
  (*place)["waits"] = false;
  if (full_places(step.state).count(name) == 0) start(step, name);
  tell(step);
}

void on_timer(Step& step) {
  const std::string& timer = step.event.timer;
  if (timer == kEnd) return succeed(step, "its time is over");
  if (timer == kTell) return on_tell(step);
  if (timer == kFed && all_have_ended(step.state))
    return succeed(step, "its sources have come to their end");
  if (timer.rfind(kAgain, 0) == 0) on_start_due(step, timer.substr(std::string(kAgain).size()));
}

void refuse_signal(Step& step, const std::string& why) {
  step.state["hint"] = why;
  step.commands.note("service.signal", why);
  tell(step);
}

void on_models(Step& step) {
  const Json& value = step.event.value;
  if (const std::string wrong = fault_of_swap(step.state, value); !wrong.empty())
    return refuse_signal(step, "the signal models " + wrong);
  step.state.erase("fault");
  step.state.erase("hint");
  swap_models(step, value);
  tell(step);
}

void on_signal(Step& step) {
  const std::string& name = step.event.name;
  if (name == "stop") return succeed(step, "stopped");
  if (name == "models") return on_models(step);
  refuse_signal(step, "there is no signal `" + shortened(name) + "`; there are models and stop");
}

void apply(Step& step) {
  const Type type = step.event.type;
  if (type == Type::started) return on_started(step);
  if (step.state["phase"] == "done") return;
  switch (type) {
    case Type::node_joined:
      return on_joined(step);
    case Type::node_lost:
      return on_lost(step);
    case Type::task_reported:
      return on_report(step);
    case Type::task_failed:
    case Type::task_finished:
      return on_end(step);
    case Type::timer_fired:
      return on_timer(step);
    case Type::signal:
      return on_signal(step);
    default:
      return;
  }
}

}  // namespace

skerry::Decision Service::decide(const skerry::Event& event, Json state) {
  if (state.is_null() != (event.type == Type::started)) return {std::move(state), {}};
  Step step{event, state};
  apply(step);
  return {std::move(state), std::move(step.commands)};
}

}  // namespace joint
