#include "service.hpp"

#include <algorithm>
#include <cstdint>
#include <set>

#include "settings.hpp"
#include "totals.hpp"

namespace joint {
namespace {

using Type = skerry::Event::Type;

constexpr const char* kReport = "report";
constexpr const char* kEnd = "end";
constexpr const char* kAgain = "again/";  // and the place: "edge/NODE" or "cloud/REPLICA"
constexpr std::int64_t kReportEveryMs = 10'000;
constexpr std::int64_t kFirstAgainMs = 1000, kLastAgainMs = 60'000;
constexpr int kMostTries = 30;

// A person has to change something: trying again gives the same.
bool for_good(const std::string& code) {
  return code == "invalid_argument" || code == "unsupported" || code == "quarantined" ||
         code == "data_loss" || code.rfind("rejected", 0) == 0;
}

class Step {
 public:
  Step(const skerry::Event& event, Json& state) : event_(event), state_(state) {}

  void apply() {
    if (event_.type == Type::started) return on_started();
    if (state_["phase"] == "done") return;
    switch (event_.type) {
      case Type::node_joined:
        return on_node();
      case Type::task_reported:
        return on_report();
      case Type::task_failed:
      case Type::task_finished:
        return on_end();
      case Type::timer_fired:
        return on_timer();
      case Type::signal:
        return on_signal();
      default:
        return;
    }
  }
  const skerry::Commands& commands() const { return commands_; }

 private:
  void on_started() {
    const Json& spec = event_.spec;
    state_ = {{"phase", "serving"},      {"edge", nullptr},          {"cloud", nullptr},
              {"nodes", event_.nodes},   {"tasks", Json::object()},  {"tries", Json::object()},
              {"edges", Json::object()}, {"clouds", Json::object()}, {"begun", event_.at_ms},
              {"told", nullptr},         {"before", Json::object()}};
    if (const std::string fault = fault_of(spec); !fault.empty()) {
      state_["phase"] = "done";
      return commands_.fail(fault);
    }
    state_["edge"] = edge_side(spec);
    if (spec.contains("cloud")) state_["cloud"] = cloud_side(spec);
    for (const std::string side : {"cloud", "edge"}) start_side(side);
    commands_.set_timer(kReport, kReportEveryMs);
    if (spec.contains("duration"))
      commands_.set_timer(kEnd,
                          skerry::milliseconds(spec["duration"].get<std::string>(), "duration"));
    tell();
  }

  void on_node() {
    Json& nodes = state_["nodes"];
    if (std::find(nodes.begin(), nodes.end(), event_.node) != nodes.end()) return;
    nodes.push_back(event_.node);
    start("edge", event_.node, 0);
    tell();
  }

  void start_side(const std::string& side) {
    if (state_[side].is_null()) return;
    if (side == "cloud") {
      for (int i = 0; i < state_[side]["replicas"].get<int>(); ++i) start(side, skerry::kCloud, i);
    } else {
      for (const Json& node : state_["nodes"]) start(side, node.get<std::string>(), 0);
    }
  }

  static std::string place_of(const std::string& side, const std::string& node, int replica) {
    return side + "/" + (side == "edge" ? node : std::to_string(replica));
  }

  void start(const std::string& side, const std::string& node, int replica) {
    const Json& what = state_[side];
    const std::string place = place_of(side, node, replica);
    const int tries = state_["tries"].value(place, 0);
    skerry::TaskStart task;
    task.task = place + "/" + std::to_string(what["version"].get<std::uint64_t>());
    if (tries > 0) task.task += "." + std::to_string(event_.at_ms);
    task.kind = "joint." + side;
    task.node = node;
    task.params = what["params"];
    task.serves = what["version"].get<std::uint64_t>();
    task.replica = static_cast<std::uint32_t>(replica);
    for (const Json& slot : what["slots"]) task.slots.push_back(slot.get<std::string>());
    for (std::size_t i = 0; i < what["models"].size(); ++i) {
      const auto& digest = what["models"][i].get_ref<const std::string&>();
      if (!digest.empty()) task.inputs["model" + std::to_string(i)] = digest;
    }
    state_["tasks"][task.task] = {
        {"side", side}, {"node", node}, {"replica", replica}, {"version", what["version"]}};
    commands_.start_task(task);
  }

  void on_report() {
    const auto task = state_["tasks"].find(event_.task);
    if (task == state_["tasks"].end()) return;
    (*task)["ready"] = true;
    const std::string side = (*task)["side"];
    state_["tries"].erase(place(*task));
    note(state_[side == "edge" ? "edges" : "clouds"], side == "edge" ? event_.node : place(*task),
         event_.task, event_.metrics);
    tell();
  }

  static std::string place(const Json& task) {
    return place_of(task["side"], task["node"], task["replica"]);
  }

  // What serves ends when a later version has its place; anything else is a failure.
  void on_end() {
    Json& tasks = state_["tasks"];
    const auto found = tasks.find(event_.task);
    if (found == tasks.end()) return;
    const Json task = *found;
    tasks.erase(event_.task);
    const std::string side = task["side"];
    if (task["version"] != state_[side]["version"]) return;
    const bool failed = event_.type == Type::task_failed;
    if (failed && for_good(event_.code)) return refused(task);
    const int tries = std::min(kMostTries, state_["tries"].value(place(task), 0) + 1);
    state_["tries"][place(task)] = tries;
    const std::int64_t wait =
        tries > 6 ? kLastAgainMs : std::min(kLastAgainMs, kFirstAgainMs << (tries - 1));
    commands_.set_timer(kAgain + place(task), wait);
    if (failed)
      commands_.report({{"event", "failed"},
                        {"node", task["node"]},
                        {"task", event_.task},
                        {"code", event_.code},
                        {"message", event_.message}});
    tell();
  }

  // A version that cannot serve: the models before it do, everywhere.
  void refused(const Json& task) {
    const std::string side = task["side"], node = task["node"];
    const std::string what = side + " on " + node + ": " + event_.message;
    commands_.note("service.refused", what, node);
    commands_.report({{"event", "refused"},
                      {"node", node},
                      {"version", task["version"]},
                      {"code", event_.code},
                      {"message", event_.message}});
    Json& wanted = state_[side];
    if (!state_["before"].contains(side)) {
      state_["complaint"] = what;
      // Nothing has ever served on this side: a service whose own cloud or whose every edge cannot
      // serve is none.
      if (side == "cloud" || !serves("edge")) return finish_failed(what);
      return tell();
    }
    state_["complaint"] = "version " + std::to_string(task["version"].get<std::uint64_t>()) +
                          " was refused, the models before it serve: " + what;
    wanted["models"] = state_["before"][side];
    state_["before"].erase(side);
    next_version(side);
  }

  bool serves(const std::string& side) const {
    return std::any_of(state_["tasks"].begin(), state_["tasks"].end(),
                       [&](const Json& task) { return task["side"] == side; });
  }

  void finish_failed(const std::string& why) {
    state_["phase"] = "done";
    commands_.fail(why);
  }

  // Versions count over both sides together, so that what serves can be told by its number alone.
  void next_version(const std::string& side) {
    std::uint64_t latest = state_["edge"]["version"].get<std::uint64_t>();
    if (!state_["cloud"].is_null())
      latest = std::max(latest, state_["cloud"]["version"].get<std::uint64_t>());
    // One that has not begun to serve anywhere need not begin any more.
    Json& tasks = state_["tasks"];
    for (auto it = tasks.begin(); it != tasks.end();) {
      const bool idle = it.value()["side"] == side && !it.value().contains("ready") &&
                        it.value()["version"].get<std::uint64_t>() > 1;
      if (idle) commands_.stop_task(it.key());
      it = idle ? tasks.erase(it) : std::next(it);
    }
    state_[side]["version"] = latest + 1;
    state_["tries"] = Json::object();
    start_side(side);
    tell();
  }

  void on_timer() {
    if (event_.timer == kEnd) return finish("its time is over");
    if (event_.timer == kReport) {
      commands_.set_timer(kReport, kReportEveryMs);
      return report();
    }
    if (event_.timer.rfind(kAgain, 0) != 0) return;
    const std::string place = event_.timer.substr(std::string(kAgain).size());
    const auto slash = place.find('/');
    const std::string side = place.substr(0, slash), rest = place.substr(slash + 1);
    for (const auto& [id, task] : state_["tasks"].items())
      if (this->place(task) == place && task["version"] == state_[side]["version"]) return;
    if (side == "edge") return start(side, rest, 0);
    start(side, skerry::kCloud, std::stoi(rest));
  }

  void on_signal() {
    if (event_.name == "stop") return finish("stopped");
    if (event_.name == "models") return swap(event_.value);
  }

  // {"edge": [digest, ...], "cloud": [digest]}: new weights, which the cloud has.
  void swap(const Json& value) {
    if (!value.is_object())
      return complain(
          "a signal `models` needs {\"edge\": [DIGEST], \"cloud\": "
          "[DIGEST]} or one of them");
    for (const std::string side : {"edge", "cloud"}) {
      const auto wanted = value.find(side);
      if (wanted == value.end()) continue;
      if (state_[side].is_null() || !fits(*wanted, state_[side]["models"]))
        return complain("a signal `models` names no weights for each model of the " + side);
      state_["before"][side] = state_[side]["models"];
      state_[side]["models"] = *wanted;
      Json& params = state_[side]["params"];
      if (side == "cloud") params["model"] = "model0";
      for (std::size_t i = 0; side == "edge" && i < wanted->size(); ++i)
        params["stages"][i]["model"] = "model" + std::to_string(i);
      state_.erase("complaint");
      next_version(side);
    }
  }

  static bool fits(const Json& wanted, const Json& models) {
    return wanted.is_array() && wanted.size() == models.size() &&
           std::all_of(wanted.begin(), wanted.end(), [](const Json& digest) {
             return digest.is_string() && digest.get_ref<const std::string&>().size() == 64 &&
                    digest.get_ref<const std::string&>().find_first_not_of("0123456789abcdef") ==
                        std::string::npos;
           });
  }

  void complain(const std::string& what) {
    state_["complaint"] = what;
    tell();
  }

  // ---- what is told

  void report() {
    Json record = record_of();
    if (record == state_["told"]) return;
    state_["told"] = record;
    record["seconds"] =
        static_cast<double>(event_.at_ms - state_["begun"].get<std::int64_t>()) / 1000;
    commands_.report(std::move(record));
    tell();
  }

  Json record_of() const {
    Json record = {{"sum", of_all(state_["edges"])}, {"nodes", Json::object()}};
    for (const auto& [node, entry] : state_["edges"].items())
      record["nodes"][node] = of_node(state_["edges"], node);
    if (!state_["clouds"].empty()) record["cloud"] = of_all(state_["clouds"]);
    return record;
  }

  std::size_t ready(const std::string& side) const {
    std::set<std::string> places;
    for (const Json& task : state_["tasks"])
      if (task["side"] == side && task.contains("ready")) places.insert(place(task));
    return places.size();
  }

  void tell() {
    std::string text = std::to_string(ready("edge")) + " of " +
                       std::to_string(state_["nodes"].size()) + " edges serve";
    if (!state_["cloud"].is_null())
      text += ", " + std::to_string(ready("cloud")) + " of " +
              std::to_string(state_["cloud"]["replicas"].get<int>()) + " workers on the cloud";
    text += "; " + text_of(of_all(state_["edges"]));
    const std::string complaint = state_.value("complaint", std::string());
    if (!complaint.empty()) text += ". " + complaint;
    const bool all = ready("edge") == state_["nodes"].size() && !state_["nodes"].empty();
    commands_.set_status(!complaint.empty() ? "Degraded" : all ? "Serving" : "Starting", text);
  }

  void finish(const std::string& why) {
    report();
    state_["phase"] = "done";
    commands_.succeed(why + "; " + text_of(of_all(state_["edges"])));
  }

  const skerry::Event& event_;
  Json& state_;
  skerry::Commands commands_;
};

}  // namespace

skerry::Decision Service::decide(const skerry::Event& event, Json state) {
  if (state.is_null() != (event.type == Type::started)) return {std::move(state), {}};
  Step step(event, state);
  step.apply();
  return {std::move(state), step.commands()};
}

}  // namespace joint
