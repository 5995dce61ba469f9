#include "places.hpp"

#include <map>
#include <vector>

#include "totals.hpp"

namespace joint {
namespace {

constexpr std::int64_t kFirstWaitMs = 1'000;
constexpr int kMostAtOnce = 3;  // versions at one place

std::string add_place(Step& step, const std::string& side, const std::string& node, int replica) {
  std::string name = side + "/" + (side == "cloud" ? std::to_string(replica) : node);
  step.state["places"][name] = {{"side", side}, {"node", node}, {"replica", replica},
                                {"served", 0},  {"tries", 0},   {"waits", false}};
  return name;
}

std::vector<std::string> places_of(const Json& state, const std::string& node) {
  std::vector<std::string> names = {"edge/" + node};
  if (state.contains("feed")) names.push_back("feed/" + node);
  return names;
}

}  // namespace

void add_replica(Step& step, int replica) {
  start(step, add_place(step, "cloud", skerry::kCloud, replica));
}

void add_node(Step& step, const std::string& node) {
  step.state["nodes"][node] = true;
  start(step, add_place(step, "edge", node, 0));
  if (!step.state.contains("feed")) return;
  const std::string feed = add_place(step, "feed", node, 0);
  if (cloud_has_served(step.state)) start(step, feed);
}

void start_feeds(Step& step) {
  std::vector<std::string> names;
  for (const auto& [name, place] : step.state["places"].items())
    if (place["side"] == "feed" && !place.contains("ended") && place["waits"] == false &&
        !has_newest(step.state, name))
      names.push_back(name);
  for (const std::string& name : names) start(step, name);
}

void remove_node(Step& step, const std::string& node) {
  for (const std::string& name : places_of(step.state, node)) {
    cancel_start(step, name);
    step.state["places"].erase(name);
  }
  step.state["nodes"].erase(node);
  forget(step.state["edges"], node);
}

void start(Step& step, const std::string& name) {
  Json& place = step.state["places"][name];
  const std::string side = place["side"], node = place["node"];
  const Json& what = step.state[side];
  const auto version = what["version"].get<std::uint64_t>();
  const auto starts = step.state["starts"].get<std::uint64_t>() + 1;
  step.state["starts"] = starts;
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
  Json& open = step.state["tasks"][task.task];
  open = {{"place", name}, {"side", side}, {"version", version}};
  if (!is_connected(step.state, node)) open["queued"] = true;
  step.commands.start_task(task);
}

void start_later(Step& step, const std::string& name, std::int64_t wait_ms) {
  step.state["places"][name]["waits"] = true;
  step.commands.set_timer(kAgain + name, wait_ms);
}

void start_later(Step& step, const std::string& name) {
  std::int64_t wait_ms = kFirstWaitMs;
  for (int i = step.state["places"][name]["tries"]; i > 1 && wait_ms < kLongestWaitMs; --i)
    wait_ms *= 2;
  start_later(step, name, std::min(wait_ms, kLongestWaitMs));
}

void cancel_start(Step& step, const std::string& name) {
  Json& place = step.state["places"][name];
  if (place["waits"] == true) step.commands.cancel_timer(kAgain + name);
  place["waits"] = false;
}

void try_once_more(Step& step, const std::string& node) {
  for (const std::string& name : places_of(step.state, node)) {
    Json& place = step.state["places"][name];
    if (place.contains("ended") || has_newest(step.state, name)) continue;
    if (place["side"] == "feed" && !cloud_has_served(step.state)) continue;
    place["tries"] = 0;
    start_later(step, name);
  }
}

void clear_failures(Json& place) {
  place["tries"] = 0;
  clear_reason(place);
}

void clear_reason(Json& place) {
  place.erase("why");
  place.erase("refused");
}

bool is_connected(const Json& state, const std::string& node) {
  return state.at("nodes").value(node, true);
}

bool has_tasks(const Json& state, const std::string& node) {
  const auto names = places_of(state, node);
  return any_task(state, [&](const Json& task) {
    return std::find(names.begin(), names.end(), task["place"]) != names.end();
  });
}

bool is_idle(const Json& state, const std::string& node) {
  const auto names = places_of(state, node);
  return !has_tasks(state, node) &&
         std::none_of(names.begin(), names.end(), [&](const std::string& name) {
           return state.at("places").at(name).at("waits") == true;
         });
}

bool cloud_has_served(const Json& state) {
  return state.at("cloud").is_null() ||
         any_place(state, "cloud", [](const Json& place) { return place["served"] != 0; });
}

bool is_newest(const Json& state, const Json& task) {
  return task["version"] == state.at(task["side"].get<std::string>()).at("version");
}

bool has_newest(const Json& state, const std::string& place) {
  return any_task(
      state, [&](const Json& task) { return task["place"] == place && is_newest(state, task); });
}

std::set<std::string> full_places(const Json& state) {
  std::map<std::string, int> versions;
  std::set<std::string> full;
  for (const Json& task : state.at("tasks"))
    if (++versions[task["place"]] >= kMostAtOnce) full.insert(task["place"]);
  return full;
}

}  // namespace joint
