// workflow/1: decisions that are a function of state and event, and survive anything.
#include <algorithm>

#include "core/config/job.hpp"
#include "core/conformance/subject.hpp"

namespace skerry::conformance {
namespace {

struct Decision {
  std::string state, commands;
  bool operator==(const Decision& other) const {
    return state == other.state && commands == other.commands;
  }
};

struct Sink {
  skerry_sink abi{sizeof(skerry_sink), 0, this,
                  [](const skerry_sink* sink, skerry_bytes bytes) -> skerry_status {
                    static_cast<Sink*>(sink->ctx)->text.append(
                        reinterpret_cast<const char*>(bytes.data), bytes.size);
                    return SKERRY_OK;
                  }};
  std::string text;
};

Result<Decision> decide(Subject& subject, runtime::Instance& instance, const std::string& state,
                        const std::string& event) {
  const auto bytes = [](const std::string& text) {
    return skerry_bytes{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  };
  Sink new_state, commands;
  const Status status = subject.call(instance, &skerry_workflow_v1::decide, "decide", bytes(state),
                                     bytes(event), static_cast<const skerry_sink*>(&new_state.abi),
                                     static_cast<const skerry_sink*>(&commands.abi));
  if (!status) return fail(status.error());
  return Decision{std::move(new_state.text), std::move(commands.text)};
}

// A workflow's configuration is its job's spec: the one that was given, or the schema's defaults.
std::string started(Subject& subject) {
  return dump_json({{"type", "Started"},
                    {"at_ms", 0},
                    {"spec", subject.spec()},
                    {"job", "conformance"},
                    {"seed", 42},
                    {"nodes", {"edge-1", "edge-2", "edge-3"}}});
}

const std::vector<std::string>& other_events() {
  static const std::vector<std::string> events = {
      R"({"type": "Restarted", "at_ms": 10})",
      R"({"type": "NodeJoined", "at_ms": 20, "node": "edge-4"})",
      R"({"type": "NodeLost", "at_ms": 30, "node": "edge-1"})",
      R"({"type": "TimerFired", "at_ms": 40, "timer": "no such timer"})",
      R"({"type": "TaskFailed", "at_ms": 50, "task": "no such task", "node": "edge-1", "kind": "x", "code": "failed", "message": "m"})",
      R"({"type": "TaskFinished", "at_ms": 60, "task": "no such task", "node": "edge-2", "kind": "x"})",
      R"({"type": "Signal", "at_ms": 70, "name": "no such signal", "value": {"a": [1]}})",
      R"({"type": "Of a later version", "at_ms": 80})"};
  return events;
}

void check_commands(const std::string& commands) {
  const auto list = parse_json(commands, "the commands");
  expect(list.has_value() && list->is_array(),
         "the commands are no JSON array: " + commands.substr(0, 100));
  static const std::vector<std::string> known = {"StartTask",   "StopTask",     "SetTimer",
                                                 "CancelTimer", "PublishModel", "SetStatus",
                                                 "Report",      "Note",         "Finish"};
  for (const Json& command : *list) {
    const std::string name = command.is_object() ? command.value("do", "") : "";
    expect(std::find(known.begin(), known.end(), name) != known.end(),
           "a command with \"do\": \"" + name +
               "\", which no host knows; docs/workflows.md lists them");
  }
}

// Plays the job's start and events that fit no task of it.
void events_survived(Subject& subject) {
  const auto instance = subject.create_without_config();
  auto last = decide(subject, *instance, "", started(subject));
  if (!last) throw Failed{"decide() failed for the job's start: " + last.error().text()};
  check_commands(last->commands);
  for (const std::string& event : other_events()) {
    const auto next = decide(subject, *instance, last->state, event);
    if (!next)
      throw Failed{"decide() failed for " + event + ": " + next.error().text() +
                   "; ignore what fits nothing"};
    check_commands(next->commands);
    last = next;
  }
}

void decisions_repeat(Subject& subject) {
  const auto first = subject.create_without_config(), second = subject.create_without_config();
  const std::string start = started(subject);
  std::string state;
  std::vector<std::string> events = other_events();
  events.insert(events.begin(), start);
  for (const std::string& event : events) {
    const auto once = decide(subject, *first, state, event),
               twice = decide(subject, *second, state, event),
               again = decide(subject, *first, state, event);
    expect(once.has_value() == twice.has_value() && once.has_value() == again.has_value() &&
               (!once || (*once == *twice && *once == *again)),
           "the same state and event give another decision for " + event.substr(0, 60) +
               "; keep nothing between calls and use no clock");
    if (once) state = once->state;
  }
}

void garbage_survived(Subject& subject) {
  const auto instance = subject.create_without_config();
  for (const std::string state :
       {"", "{", "[]", "null", "{}", "\xff", R"({"round": "x", "tasks": 5})"}) {
    for (const std::string event : {"{}", "[]", "null", R"({"type": 5})", R"({"type": "Started"})",
                                    R"({"type": "Started", "spec": [], "nodes": 7})",
                                    R"({"type": "TaskFinished", "task": {}, "artifacts": []})"})
      subject.survive([&] { return decide(subject, *instance, state, event); });
  }
}

}  // namespace

std::vector<Check> workflow_checks() {
  constexpr const char* kKind = "workflow";
  return {
      {"events-survived", kKind, Level::required,
       "Decides for a job's start, and ignores events that fit no task, timer or signal of it.",
       events_survived},
      {"decisions-repeat", kKind, Level::required,
       "The same state and event give the same decision, byte for byte.", decisions_repeat},
      {"garbage-survived", kKind, Level::required,
       "States and events that make no sense do no harm.", garbage_survived},
  };
}

}  // namespace skerry::conformance
