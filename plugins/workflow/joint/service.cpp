#include "service.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>

#include "settings.hpp"
#include "status.hpp"
#include "totals.hpp"

namespace joint {
namespace {

using Type = skerry::Event::Type;

constexpr const char* kTell = "tell";
constexpr const char* kEnd = "end";
constexpr const char* kAgain = "again/";  // and the place
constexpr std::int64_t kTellEveryMs = 5'000;
// A record is due after so long, and later after a part of the service's age: one that lives for
// years must not fill the cloud's disk.
constexpr std::int64_t kFirstRecordMs = 10'000, kLastRecordMs = 600'000, kRecordsOfAge = 360;
constexpr std::int64_t kFirstAgainMs = 1'000, kLastAgainMs = 300'000;
constexpr int kMostDoublings = 9;  // from the first to more than the last
constexpr int kMostAtOnce = 3;     // versions at one place
constexpr int kMostFailures = 4;   // in a row; the next try would be no other

// A person has to change something: trying again gives the same.
bool for_good(const std::string& code) {
  return code == "invalid_argument" || code == "unsupported" || code == "quarantined" ||
         code.rfind("rejected", 0) == 0;
}

// Nothing is wrong with what was started, but with the way there.
bool passes(const std::string& code) {
  return code == "unavailable" || code == "lost" || code == "retry" || code == "cancelled";
}

bool is_digest(const Json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

class Step {
 public:
  Step(const skerry::Event& event, Json& state) : event_(event), state_(state) {}

  void apply() {
    if (event_.type == Type::started) return on_started();
    if (state_["phase"] == "done") return;
    switch (event_.type) {
      case Type::node_joined:
        return on_joined();
      case Type::node_lost:
        return on_lost();
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
    state_ = {{"phase", "serving"},
              {"edge", nullptr},
              {"cloud", nullptr},
              {"nodes", Json::object()},
              {"places", Json::object()},
              {"tasks", Json::object()},
              {"edges", Json::object()},
              {"clouds", Json::object()},
              {"before", Json::object()},
              {"starts", 0},
              {"begun", event_.at_ms},
              {"recorded", event_.at_ms},
              {"news", false}};
    if (const std::string fault = fault_of(spec); !fault.empty()) return fail(fault);
    if (spec.contains("cloud")) {
      state_["cloud"] = cloud_side(spec);
      for (int i = 0; i < state_["cloud"]["replicas"].get<int>(); ++i)
        start(add_place("cloud", skerry::kCloud, i));
    }
    state_["edge"] = edge_side(spec);
    for (const std::string& node : event_.nodes) add_node(node);
    commands_.set_timer(kTell, kTellEveryMs);
    if (spec.contains("duration"))
      commands_.set_timer(kEnd,
                          skerry::milliseconds(spec["duration"].get<std::string>(), "duration"));
    tell();
  }

  // ---- nodes

  void on_joined() {
    const auto known = state_["nodes"].find(event_.node);
    if (known == state_["nodes"].end()) {
      add_node(event_.node);
    } else {
      *known = true;
      try_once_more("edge/" + event_.node);
    }
    tell();
  }

  // Alone it goes on serving. One that does nothing here is of no interest until it is back.
  void on_lost() {
    const auto known = state_["nodes"].find(event_.node);
    if (known == state_["nodes"].end()) return;
    *known = false;
    const std::string name = "edge/" + event_.node;
    waits(name) || has_task(name) ? tell() : leave(event_.node);
  }

  void add_node(const std::string& node) {
    state_["nodes"][node] = true;
    start(add_place("edge", node, 0));
  }

  // It has no task. It was revoked, or has lost what it had and is about to come back as a new one.
  void leave(const std::string& node) {
    const std::string name = "edge/" + node;
    if (waits(name)) commands_.cancel_timer(kAgain + name);
    state_["places"].erase(name);
    state_["nodes"].erase(node);
    forget(state_["edges"], node);
    tell();
  }

  // ---- places and their tasks

  std::string add_place(const std::string& side, const std::string& node, int replica) {
    std::string name = side + "/" + (side == "edge" ? node : std::to_string(replica));
    state_["places"][name] = {{"side", side}, {"node", node}, {"replica", replica},
                              {"served", 0},  {"tries", 0},   {"waits", false}};
    return name;
  }

  void start(const std::string& name) {
    Json& place = state_["places"][name];
    const std::string side = place["side"], node = place["node"];
    const Json& what = state_[side];
    const auto version = what["version"].get<std::uint64_t>();
    const auto starts = state_["starts"].get<std::uint64_t>() + 1;
    state_["starts"] = starts;
    place["waits"] = false;
    skerry::TaskStart task;
    // An identifier that was used before would start nothing.
    task.task = name + "/" + std::to_string(version) + "." + std::to_string(starts);
    task.kind = "joint." + side;
    task.node = node;
    task.params = what["params"];
    task.serves = version;
    task.replica = place["replica"].get<std::uint32_t>();
    task.slots = what["slots"].get<std::vector<std::string>>();
    for (std::size_t i = 0; i < what["models"].size(); ++i) {
      const auto& digest = what["models"][i].get_ref<const std::string&>();
      if (!digest.empty()) task.inputs["model" + std::to_string(i)] = digest;
    }
    Json& open = state_["tasks"][task.task];
    open = {{"place", name}, {"side", side}, {"version", version}};
    if (!is_connected(node)) open["queued"] = true;
    commands_.start_task(task);
  }

  bool waits(const std::string& name) const { return state_["places"][name]["waits"] == true; }
  // The cloud always is.
  bool is_connected(const std::string& node) const { return state_["nodes"].value(node, true); }

  bool is_newest(const Json& task) const {
    return task["version"] == state_[task["side"].get<std::string>()]["version"];
  }

  // Each version is a process with a model. Where no more may begin, the newest does when one ends.
  std::set<std::string> full_places() const {
    std::map<std::string, int> versions;
    std::set<std::string> full;
    for (const Json& task : state_["tasks"])
      if (++versions[task["place"]] >= kMostAtOnce) full.insert(task["place"]);
    return full;
  }

  bool has_task(const std::string& name) const {
    return any_task([&](const Json& task) { return task["place"] == name; });
  }
  bool has_newest(const std::string& name) const {
    return any_task([&](const Json& task) { return task["place"] == name && is_newest(task); });
  }

  void again(const std::string& name, std::int64_t wait) {
    state_["places"][name]["waits"] = true;
    commands_.set_timer(kAgain + name, wait);
  }
  void again(const std::string& name) {
    const int tries = state_["places"][name]["tries"];
    const int doublings = std::clamp(tries - 1, 0, kMostDoublings);
    again(name, std::min(kLastAgainMs, kFirstAgainMs << doublings));
  }
  // What was wrong with a node that is back may have been mended.
  void try_once_more(const std::string& name) {
    if (has_newest(name)) return;
    state_["places"][name]["tries"] = 0;
    again(name);
  }

  Json& counted(const Json& task) { return state_[task["side"] == "edge" ? "edges" : "clouds"]; }
  std::string who(const Json& task) const {
    return task["side"] == "edge" ? state_["places"][task["place"].get<std::string>()]["node"]
                                  : task["place"];
  }

  void on_report() {
    const auto found = state_["tasks"].find(event_.task);
    if (found == state_["tasks"].end()) return;
    Json& task = *found;
    Json& place = state_["places"][task["place"].get<std::string>()];
    const bool changes = !task.contains("ready") || (is_newest(task) && place["tries"] != 0);
    task["ready"] = true;
    place["served"] = std::max(place["served"], task["version"]);
    if (is_newest(task)) clear(place);
    count(task);
    if (changes) tell();
  }

  void count(const Json& task) {
    if (note(counted(task), who(task), event_.task, event_.metrics)) state_["news"] = true;
  }

  static void clear(Json& place) {
    place["tries"] = 0;
    place.erase("why");
    place.erase("refused");
  }

  // What serves ends when a later version has its place; anything else is a failure.
  void on_end() {
    const auto found = state_["tasks"].find(event_.task);
    if (found == state_["tasks"].end()) return;
    const Json task = *found;
    const std::string name = task["place"];
    if (!event_.metrics.empty()) count(task);
    end(counted(task), who(task), event_.task);
    state_["tasks"].erase(event_.task);
    const std::string node = state_["places"][name]["node"];
    if (event_.code == "lost" && !is_connected(node) && !has_task(name)) return leave(node);
    if (is_newest(task))
      failed(name);
    else if (!has_newest(name) && !waits(name))
      again(name);
    tell();
  }

  // ---- failures

  void failed(const std::string& name) {
    Json& place = state_["places"][name];
    const int tries = place["tries"].get<int>() + 1;
    place["tries"] = std::min(tries, kMostDoublings + 1);
    place["why"] =
        event_.type == Type::task_failed ? shortened(event_.message) : "it ended by itself";
    const bool hopeless = for_good(event_.code) || (!passes(event_.code) && tries >= kMostFailures);
    if (hopeless) return refused(name);
    if (tries == 1) record_failure("failed", place);
    again(name);
  }

  void record_failure(const char* what, const Json& place) {
    const std::string side = place["side"];
    Json line = summary_of(state_, event_.at_ms);
    line[what] = {{{"node", place["node"]},
                   {"version", state_[side]["version"]},
                   {"task", event_.task},
                   {"code", event_.code},
                   {"message", place["why"]}}};
    commands_.report(std::move(line));
  }

  void refused(const std::string& name) {
    Json& place = state_["places"][name];
    const std::string side = place["side"];
    const std::string what = name_of(place) + ": " + place["why"].get<std::string>();
    if (!place.contains("refused")) {
      place["refused"] = true;
      commands_.note("service.refused", what, place["node"]);
      record_failure("rejected", place);
    }
    if (models_are_at_fault(place)) return go_back(side, what);
    // It has been well, and may be again: a person lets a plugin out of quarantine.
    if (place["served"] != 0 || (side == "cloud" && has_ever_served(side)))
      return again(name, kLastAgainMs);
    if (side == "cloud" || !may_serve("edge")) fail(what);
  }

  // Of a place where other models have served, or of the first that anybody tries: a node that has
  // never served may lack anything.
  bool models_are_at_fault(const Json& place) const {
    const std::string side = place["side"];
    return state_["before"].contains(side) && place["served"] != state_[side]["version"] &&
           (place["served"] != 0 || !has_ever_served(side));
  }
  bool has_ever_served(const std::string& side) const {
    return any_place(side, [](const Json& place) { return place["served"] != 0; });
  }
  bool may_serve(const std::string& side) const {
    return any_place(side, [](const Json& place) { return place["waits"] == true; }) ||
           any_task([&](const Json& task) { return task["side"] == side; });
  }
  template <class Is>
  bool any_task(Is is) const {
    return std::any_of(state_["tasks"].begin(), state_["tasks"].end(), is);
  }
  template <class Is>
  bool any_place(const std::string& side, Is is) const {
    const Json& places = state_["places"];
    return std::any_of(places.begin(), places.end(),
                       [&](const Json& place) { return place["side"] == side && is(place); });
  }

  // The models before these serve, everywhere.
  void go_back(const std::string& side, const std::string& what) {
    state_["fault"] = "version " + std::to_string(state_[side]["version"].get<std::uint64_t>()) +
                      " was refused, the models before it serve: " + what;
    use_models(state_[side], Json(state_["before"][side]));
    state_["before"].erase(side);
    next_version(side);
  }

  // Versions count over both sides together, so that what serves can be told by its number alone.
  void next_version(const std::string& side) {
    auto latest = state_["edge"]["version"].get<std::uint64_t>();
    if (!state_["cloud"].is_null())
      latest = std::max(latest, state_["cloud"]["version"].get<std::uint64_t>());
    stop_what_has_not_begun(side);
    state_[side]["version"] = latest + 1;
    const auto full = full_places();
    for (auto& [name, place] : state_["places"].items()) {
      if (place["side"] != side) continue;
      clear(place);
      if (place["waits"] == true) commands_.cancel_timer(kAgain + name);
      place["waits"] = false;
      if (full.count(name) == 0) start(name);
    }
  }

  // Only what waits for a node that is away. What was sent may have begun, and have the place of
  // the version before it, which has ended: it ends when the next version is ready there.
  void stop_what_has_not_begun(const std::string& side) {
    Json& tasks = state_["tasks"];
    for (auto it = tasks.begin(); it != tasks.end();) {
      const Json& task = it.value();
      const std::string node = state_["places"][task["place"].get<std::string>()]["node"];
      const bool idle = task["side"] == side && !task.contains("ready") &&
                        task.contains("queued") && !is_connected(node);
      if (idle) commands_.stop_task(it.key());
      it = idle ? tasks.erase(it) : std::next(it);
    }
  }

  // ---- timers and signals

  void on_timer() {
    if (event_.timer == kEnd) return finish("its time is over");
    if (event_.timer == kTell) return on_tell();
    if (event_.timer.rfind(kAgain, 0) != 0) return;
    const std::string name = event_.timer.substr(std::string(kAgain).size());
    const auto place = state_["places"].find(name);
    if (place == state_["places"].end() || (*place)["waits"] == false) return;
    (*place)["waits"] = false;
    if (full_places().count(name) == 0) start(name);
    tell();
  }

  void on_tell() {
    commands_.set_timer(kTell, kTellEveryMs);
    const std::int64_t age = event_.at_ms - state_["begun"].get<std::int64_t>();
    const std::int64_t since = event_.at_ms - state_["recorded"].get<std::int64_t>();
    if (since >= std::clamp(age / kRecordsOfAge, kFirstRecordMs, kLastRecordMs)) record();
    tell();
  }

  void on_signal() {
    if (event_.name == "stop") return finish("stopped");
    if (event_.name == "models") return swap(event_.value);
    refuse_signal("there is no signal `" + shortened(event_.name) + "`; there are models and stop");
  }

  // {"edge": [digest, ...], "cloud": [digest]}: new weights, which the cloud has.
  void swap(const Json& value) {
    if (const std::string wrong = fault_of_swap(value); !wrong.empty())
      return refuse_signal("the signal models " + wrong);
    state_.erase("fault");
    state_.erase("hint");
    for (const std::string side : {"edge", "cloud"}) {
      if (!value.contains(side)) continue;
      remember_models(side);
      use_models(state_[side], value[side]);
      next_version(side);
    }
    tell();
  }

  // All of it is looked at before anything is done: half a swap is none.
  std::string fault_of_swap(const Json& value) const {
    if (!value.is_object() || value.empty())
      return "needs {\"edge\": [DIGEST], \"cloud\": [DIGEST]}, or one of them";
    for (const auto& [side, wanted] : value.items()) {
      if ((side != "edge" && side != "cloud") || state_[side].is_null())
        return "names `" + shortened(side) + "`, and this service has " +
               (state_["cloud"].is_null() ? "edge" : "edge and cloud");
      const std::size_t models = state_[side]["models"].size();
      if (!wanted.is_array() || wanted.size() != models ||
          !std::all_of(wanted.begin(), wanted.end(), is_digest))
        return "needs " + std::to_string(models) + " of 64 hexadecimal digits for " + side +
               ": the digest of each model";
    }
    return "";
  }

  // Those that have served; of two swaps in a row the first has proved nothing.
  void remember_models(const std::string& side) {
    const Json& version = state_[side]["version"];
    if (!state_["before"].contains(side) ||
        any_place(side, [&](const Json& place) { return place["served"] == version; }))
      state_["before"][side] = state_[side]["models"];
  }

  void refuse_signal(const std::string& why) {
    state_["hint"] = why;
    commands_.note("service.signal", why);
    tell();
  }

  // ---- what is told

  void record() {
    if (state_["news"] == false) return;
    state_["news"] = false;
    state_["recorded"] = event_.at_ms;
    commands_.report(record_of(state_, event_.at_ms));
  }

  void tell() {
    if (state_["phase"] == "done") return;
    const std::string phase = phase_of(state_), text = status_of(state_);
    Json status = phase + ": " + text;
    if (state_.value("status", Json()) == status) return;
    state_["status"] = std::move(status);
    commands_.set_status(phase, text);
  }

  void finish(const std::string& why) {
    record();
    state_["phase"] = "done";
    commands_.succeed(why + "; " + text_of(of_all(state_["edges"])));
  }

  void fail(const std::string& why) {
    if (state_["phase"] == "done") return;
    record();
    state_["phase"] = "done";
    commands_.fail(why);
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
