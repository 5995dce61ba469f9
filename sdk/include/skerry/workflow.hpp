// workflow/1: a paradigm as a pure function of its state and one event. Tables of all members:
// docs/workflows.md.
#pragma once

#include <skerry/plugin.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace skerry {

using Json = nlohmann::json;

// The node name of the cloud's own worker.
inline constexpr const char* kCloud = "cloud";

// An output of a task, kept by its content.
struct Artifact {
  std::string digest;  // BLAKE2b-256 in hex
  std::uint64_t size = 0;
};

// Where a task's time went, in seconds. queue: waiting at its node for the worker.
struct TaskSeconds {
  double queue = 0;
  double download = 0;
  double run = 0;
  double upload = 0;
};

// What a task moved over the network. down: cloud to node.
struct TaskBytes {
  std::uint64_t down = 0;
  std::uint64_t up = 0;
};

// Something that happened. Which members are set depends on the type; the others keep their
// defaults. What comes from a node (metrics, result, message) is that node's claim: check it before
// it is used.
struct Event {
  enum class Type {
    started,        // the first event of a job: spec, job, seed, nodes
    task_finished,  // task, node, kind, metrics, artifacts, clipped, result, seconds, cpu_seconds,
                    // bytes
    task_failed,    // task, node, kind, code, message
    task_reported,  // task, node, metrics
    timer_fired,    // timer
    node_joined,    // node; also when one comes back
    node_lost,      // node; its tasks go on and may still be answered
    signal,         // name, value: a person's
    restarted,      // the cloud was started again; all tasks and timers are still there
    unknown         // of a later version: ignore it
  };

  Type type = Type::unknown;
  std::int64_t at_ms = 0;  // job time: starts at 0, never goes back, goes on after a restart

  Json spec = Json::object();  // checked, defaults filled in; a slot is {"plugin", "config"}
  std::string job;
  std::uint64_t seed = 0;
  std::vector<std::string> nodes;  // online now, sorted

  std::string task;
  std::string node;
  std::string kind;                       // the task's feature id
  std::map<std::string, double> metrics;  // finite
  std::map<std::string, Artifact> artifacts;
  // The norm that outputs had which were brought nearer to their base, by their names.
  std::map<std::string, double> clipped;
  Json result = Json::object();
  TaskSeconds seconds;
  double cpu_seconds = 0;
  TaskBytes bytes;
  // "invalid_argument", "failed", "crashed", "lost", "cancelled", "rejected.nan", ...
  std::string code;
  std::string message;

  std::string timer;
  std::string name;
  Json value;

  // Members that are absent or of another type keep their defaults: a node's odd answer must not
  // stop a job.
  static Event from_json(const Json&);
};

// What an output must keep to, besides its structure.
struct OutputLimit {
  std::uint64_t bytes = 0;  // of its file at most; 0: as many as the artifact in `expects` needs
  // How far it may be from the artifact in `expects`, or from `base`: the Euclidean norm of the
  // difference over all floating-point tensors. Infinite: as far as it likes.
  double norm = std::numeric_limits<double>::infinity();
  bool clip = false;  // bring it nearer to its base instead of refusing it
  std::string base;   // a digest; empty: that of `expects`
  // How many samples the task's result may name (its member `samples`; 0 without one). As they are
  // here: it need not name any.
  std::uint64_t min_samples = 0;
  std::uint64_t max_samples = std::numeric_limits<std::uint64_t>::max();
  // A codec's form of it: other tensors than those of `expects`, all finite, in no more bytes. Its
  // structure and its norm are for the task that decodes it to keep to.
  bool encoded = false;
};

// What to start. Identifiers are unique within the job: a second StartTask of the same one does
// nothing.
struct TaskStart {
  std::string task;  // as "3/train/edge-1"
  std::string kind;  // id of a task/1 feature
  std::string node;  // a node's name, or kCloud
  Json params = Json::object();
  std::map<std::string, std::string> inputs = {};  // name to digest
  // Output to the digest of the artifact that it must look like: the same tensors, all finite.
  // Another one arrives as TaskFailed with a code "rejected...".
  std::map<std::string, std::string> expects = {};
  // Of outputs that `expects` names. Another one arrives as TaskFailed with "rejected.size",
  // "rejected.samples" or "rejected.norm".
  std::map<std::string, OutputLimit> limits = {};
  // How long it may run at its node, not counting how long it waits there. Over it the task is
  // ended and arrives as TaskFailed with code "timeout". 0: no limit.
  std::int64_t deadline_ms = 0;
  // A version, for a task that answers questions for as long as it may (TaskContext::serve). Where
  // a later version of the same job and replica is ready on a host, that one serves and the earlier
  // task ends. A worker that dies is started again at once, also while its node is cut off.
  std::uint64_t serves = 0;
  std::uint32_t replica = 0;
  // The places of the spec whose plugins it uses, as "edge[0].estimator": of the files in plugins'
  // configurations only theirs go to its node. Empty: all of them.
  std::vector<std::string> slots = {};
};

// What should happen, in order. The engine stores it together with the new state before anything is
// done.
class Commands {
 public:
  // node offline: the task waits for it.
  void start_task(const TaskStart&);
  // Its answer, if any, may still arrive.
  void stop_task(const std::string& task);
  // TimerFired with this name comes once, after so many milliseconds of job time. Setting a name
  // again moves it.
  void set_timer(const std::string& timer, std::int64_t after_ms);
  void cancel_timer(const std::string& timer);
  // Makes an artifact the job's current model: one that a task made and the state names, or that
  // was shipped with the job. A model that is not finite fails the job.
  void publish_model(const std::string& digest, const std::map<std::string, double>& metrics);
  // phase: one word; message: for a person.
  void set_status(const std::string& phase, const std::string& message);
  // One line of metrics.jsonl.
  void report(Json record);
  // An entry of the cloud's audit log, for what the workflow decides against a model or a node's
  // work: a stable code, a sentence, and whom and what it is about.
  void note(const std::string& code, const std::string& message, const std::string& node = {},
            const std::string& digest = {});
  // The job's last command. Tasks that still run are stopped.
  void succeed(const std::string& message) { finish("Succeeded", message); }
  void fail(const std::string& message) { finish("Failed", message); }

  const Json& json() const { return list_; }  // an array of objects

 private:
  void finish(const char* phase, const std::string& message);

  Json list_ = Json::array();
};

// What a member of format "duration" says: "500ms", "60s", "1.5m", "2h", "1d". Throws
// SKERRY_INVALID_ARGUMENT with `field` for anything else.
std::int64_t milliseconds(const std::string& duration, const std::string& field);

struct Decision {
  Json state;
  Commands commands;
};

class Workflow {
 public:
  using KindBase = Workflow;
  virtual ~Workflow() = default;

  // Pure: no clock, file, socket, thread, or memory of earlier calls; the same arguments give the
  // same bytes. state: what the last decision held, null at first. Features of the job that are
  // pure too (a selection) may be asked through the host. An Error is a fault: the job can't go on.
  // What a person should read about a job that fails, belongs in Commands::fail. [serial]
  virtual Decision decide(const Event&, Json state) = 0;
};

// ------------------------------------------------------------------------------- implementation

namespace detail {

// Each reads one member, and leaves the variable alone when it is absent or of another type.
inline void read(const Json& from, const char* key, std::string& to) {
  if (const auto it = from.find(key); it != from.end() && it->is_string())
    to = it->get<std::string>();
}
inline void read(const Json& from, const char* key, double& to) {
  if (const auto it = from.find(key); it != from.end() && it->is_number()) to = it->get<double>();
}
inline void read(const Json& from, const char* key, std::int64_t& to) {
  if (const auto it = from.find(key); it != from.end() && it->is_number_integer())
    to = it->get<std::int64_t>();
}
inline void read(const Json& from, const char* key, std::uint64_t& to) {
  const auto it = from.find(key);
  if (it == from.end() || !it->is_number_integer()) return;
  if (it->is_number_unsigned() || it->get<std::int64_t>() >= 0) to = it->get<std::uint64_t>();
}
inline void read(const Json& from, const char* key, bool& to) {
  if (const auto it = from.find(key); it != from.end() && it->is_boolean()) to = it->get<bool>();
}

// A member that is an object; an empty one otherwise.
inline const Json& object_in(const Json& from, const char* key) {
  static const Json empty = Json::object();
  const auto it = from.find(key);
  return it != from.end() && it->is_object() ? *it : empty;
}

inline Event::Type event_type(const std::string& text) {
  static const std::map<std::string, Event::Type> types = {
      {"Started", Event::Type::started},        {"TaskFinished", Event::Type::task_finished},
      {"TaskFailed", Event::Type::task_failed}, {"TaskReported", Event::Type::task_reported},
      {"TimerFired", Event::Type::timer_fired}, {"NodeJoined", Event::Type::node_joined},
      {"NodeLost", Event::Type::node_lost},     {"Signal", Event::Type::signal},
      {"Restarted", Event::Type::restarted}};
  const auto found = types.find(text);
  return found == types.end() ? Event::Type::unknown : found->second;
}

inline void read_answer(const Json& json, Event& event) {
  for (const auto& [name, value] : object_in(json, "metrics").items()) {
    if (value.is_number()) event.metrics[name] = value.get<double>();
  }
  for (const auto& [name, value] : object_in(json, "artifacts").items()) {
    if (!value.is_object()) continue;
    read(value, "digest", event.artifacts[name].digest);
    read(value, "size", event.artifacts[name].size);
  }
  for (const auto& [name, value] : object_in(json, "clipped").items()) {
    if (value.is_object()) read(value, "norm", event.clipped[name]);
  }
  event.result = object_in(json, "result");
  const Json& seconds = object_in(json, "seconds");
  read(seconds, "queue", event.seconds.queue);
  read(seconds, "download", event.seconds.download);
  read(seconds, "run", event.seconds.run);
  read(seconds, "upload", event.seconds.upload);
  read(json, "cpu_seconds", event.cpu_seconds);
  const Json& bytes = object_in(json, "bytes");
  read(bytes, "down", event.bytes.down);
  read(bytes, "up", event.bytes.up);
}

inline Json parse_json(skerry_bytes bytes, const char* what) {
  Json json = Json::parse(bytes.data, bytes.data + bytes.size, nullptr, false);
  if (json.is_discarded())
    throw Error(SKERRY_INTERNAL, "", std::string(what) + " is not valid JSON");
  return json;
}

// Text that came from elsewhere may not be UTF-8; it must not stop the job.
inline void write_json(const skerry_sink* sink, const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  const skerry_status status =
      sink->write(sink, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  if (status != SKERRY_OK) throw Error(status, "", "the host refused the output");
}

}  // namespace detail

inline std::int64_t milliseconds(const std::string& duration, const std::string& field) {
  static constexpr std::pair<const char*, double> kUnits[] = {
      {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}};
  std::size_t digits = 0;
  double amount = 0;
  try {
    amount = std::stod(duration, &digits);
  } catch (const std::exception&) {
    digits = 0;
  }
  for (const auto& [unit, factor] : kUnits)
    if (digits > 0 && duration.substr(digits) == unit) return std::llround(amount * factor);
  throw invalid(field, "`" + duration + "` is no duration; write 500ms, 60s, 5m or 2h");
}

inline Event Event::from_json(const Json& json) {
  Event event;
  if (!json.is_object()) return event;
  std::string type;
  detail::read(json, "type", type);
  event.type = detail::event_type(type);
  detail::read(json, "at_ms", event.at_ms);
  event.spec = detail::object_in(json, "spec");
  detail::read(json, "job", event.job);
  detail::read(json, "seed", event.seed);
  if (const auto nodes = json.find("nodes"); nodes != json.end() && nodes->is_array()) {
    for (const Json& node : *nodes) {
      if (node.is_string()) event.nodes.push_back(node.get<std::string>());
    }
  }
  detail::read(json, "task", event.task);
  detail::read(json, "node", event.node);
  detail::read(json, "kind", event.kind);
  detail::read_answer(json, event);
  detail::read(json, "code", event.code);
  detail::read(json, "message", event.message);
  detail::read(json, "timer", event.timer);
  detail::read(json, "name", event.name);
  if (const auto value = json.find("value"); value != json.end()) event.value = *value;
  return event;
}

inline Json to_json(const OutputLimit& limit) {
  Json json = Json::object();
  if (limit.bytes > 0) json["bytes"] = limit.bytes;
  if (std::isfinite(limit.norm)) {
    Json& norm = json["norm"] = {{"max", limit.norm}, {"policy", limit.clip ? "clip" : "reject"}};
    if (!limit.base.empty()) norm["base"] = limit.base;
  }
  if (limit.min_samples > 0 || limit.max_samples < std::numeric_limits<std::uint64_t>::max())
    json["samples"] = {{"min", limit.min_samples}, {"max", limit.max_samples}};
  if (limit.encoded) json["encoded"] = true;
  return json;
}

inline void Commands::start_task(const TaskStart& start) {
  Json limits = Json::object();
  for (const auto& [name, limit] : start.limits) limits[name] = to_json(limit);
  list_.push_back({{"do", "StartTask"},
                   {"task", start.task},
                   {"kind", start.kind},
                   {"node", start.node},
                   {"params", start.params},
                   {"inputs", start.inputs},
                   {"expects", start.expects},
                   {"limits", limits},
                   {"deadline_ms", start.deadline_ms}});
  Json& command = list_.back();
  if (start.serves > 0) command.update({{"serves", start.serves}, {"replica", start.replica}});
  if (!start.slots.empty()) command["slots"] = start.slots;
}
inline void Commands::stop_task(const std::string& task) {
  list_.push_back({{"do", "StopTask"}, {"task", task}});
}
inline void Commands::set_timer(const std::string& timer, std::int64_t after_ms) {
  list_.push_back({{"do", "SetTimer"}, {"timer", timer}, {"after_ms", after_ms}});
}
inline void Commands::cancel_timer(const std::string& timer) {
  list_.push_back({{"do", "CancelTimer"}, {"timer", timer}});
}
inline void Commands::publish_model(const std::string& digest,
                                    const std::map<std::string, double>& metrics) {
  list_.push_back({{"do", "PublishModel"}, {"digest", digest}, {"metrics", metrics}});
}
inline void Commands::set_status(const std::string& phase, const std::string& message) {
  list_.push_back({{"do", "SetStatus"}, {"phase", phase}, {"message", message}});
}
inline void Commands::report(Json record) {
  list_.push_back({{"do", "Report"}, {"record", std::move(record)}});
}
inline void Commands::note(const std::string& code, const std::string& message,
                           const std::string& node, const std::string& digest) {
  list_.push_back(
      {{"do", "Note"}, {"code", code}, {"message", message}, {"node", node}, {"digest", digest}});
}
inline void Commands::finish(const char* phase, const std::string& message) {
  list_.push_back({{"do", "Finish"}, {"phase", phase}, {"message", message}});
}

template <>
struct InterfaceKind<skerry_workflow_v1> {
  static constexpr const char* id = "workflow/1";
};

template <>
struct Kind<Workflow> {
  static constexpr const char* id = InterfaceKind<skerry_workflow_v1>::id;

  template <class T>
  static const void* table() {
    static constexpr skerry_workflow_v1 functions = {sizeof(skerry_workflow_v1), 0, decide};
    return &functions;
  }

 private:
  static skerry_status decide(skerry_instance* instance, skerry_bytes state, skerry_bytes event,
                              const skerry_sink* new_state, const skerry_sink* commands,
                              skerry_error* error) {
    return detail::guard(error, [&] {
      Json before = state.size == 0 ? Json() : detail::parse_json(state, "the workflow's state");
      const Event parsed = Event::from_json(detail::parse_json(event, "the event"));
      const Decision decision = object_of<Workflow>(instance).decide(parsed, std::move(before));
      detail::write_json(new_state, decision.state);
      detail::write_json(commands, decision.commands.json());
    });
  }
};

}  // namespace skerry
