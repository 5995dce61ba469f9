#include "status.hpp"

#include <algorithm>
#include <cstddef>
#include <set>

#include "totals.hpp"

namespace joint {
namespace {

constexpr std::size_t kMostText = 300;

// Places where a version serves, be it the newest or not.
std::set<std::string> ready(const Json& state, const std::string& side) {
  std::set<std::string> places;
  for (const Json& task : state["tasks"])
    if (task["side"] == side && task.contains("ready")) places.insert(task["place"]);
  return places;
}

std::size_t out_of_reach(const Json& nodes) {
  return static_cast<std::size_t>(std::count(nodes.begin(), nodes.end(), Json(false)));
}

std::size_t replicas(const Json& state) {
  return state["cloud"].is_null() ? 0 : state["cloud"]["replicas"].get<std::size_t>();
}

// "edge b fails: ..., and 2 more": of places whose newest version does not serve; those of feeds,
// or the others.
std::string troubles(const Json& state, bool of_feeds) {
  std::string text;
  std::size_t more = 0;
  for (const Json& place : state["places"]) {
    const std::string why = place.value("why", std::string());
    if (why.empty() || (place["side"] == "feed") != of_feeds) continue;
    if (text.empty())
      text = name_of(place) + (of_feeds ? ": " : " fails: ") + why;
    else
      ++more;
  }
  return more > 0 ? text + ", and " + std::to_string(more) + " more" : text;
}

// ", 2 of 3 feeds at work, 1 at its end"; nothing where there are no sources.
std::string text_of_feeds(const Json& state) {
  if (!state.contains("feed")) return "";
  std::size_t feeds = 0, ended = 0;
  for (const Json& place : state["places"]) {
    if (place["side"] != "feed") continue;
    ++feeds;
    ended += place.count("ended");
  }
  std::string text = ", " + std::to_string(ready(state, "feed").size()) + " of " +
                     std::to_string(feeds) + " feeds at work";
  if (ended > 0)
    text += ", " + std::to_string(ended) + (ended == 1 ? " at its end" : " at their end");
  return text;
}

// A feed that is tried again is no more than that; one that is refused needs a person.
bool is_degraded(const Json& state) {
  const Json& places = state["places"];
  return state.contains("fault") || !troubles(state, false).empty() ||
         std::any_of(places.begin(), places.end(), [](const Json& place) {
           return place["side"] == "feed" && place.contains("refused");
         });
}

bool all_ready(const Json& state) {
  const auto edges = ready(state, "edge");
  if (edges.empty() || ready(state, "cloud").size() < replicas(state)) return false;
  for (const auto& [node, connected] : state["nodes"].items())
    if (connected.get<bool>() && edges.count("edge/" + node) == 0) return false;
  return true;
}

}  // namespace

std::string phase_of(const Json& state) {
  if (is_degraded(state)) return "Degraded";
  return all_ready(state) ? "Serving" : "Starting";
}

std::string status_of(const Json& state) {
  std::string text = std::to_string(ready(state, "edge").size()) + " of " +
                     std::to_string(state["nodes"].size()) + " edges serve";
  if (const std::size_t away = out_of_reach(state["nodes"]); away > 0)
    text += " (" + std::to_string(away) + " out of reach)";
  if (replicas(state) > 0)
    text += ", " + std::to_string(ready(state, "cloud").size()) + " of " +
            std::to_string(replicas(state)) + " workers on the cloud";
  text += text_of_feeds(state);
  text += "; " + text_of(of_all(state["edges"]));
  for (const std::string& each : {state.value("fault", std::string()), troubles(state, false),
                                  troubles(state, true), state.value("hint", std::string())})
    if (!each.empty()) text += ". " + each;
  return text;
}

Json summary_of(const Json& state, std::int64_t at_ms) {
  const Json sum = of_all(state["edges"]);
  const Json latency = sum.value("latencyMs", Json::object()).value("total", Json::object());
  const auto age = static_cast<double>(at_ms - state["begun"].get<std::int64_t>());
  Json summary = {{"samples", sum["requests"]},
                  {"hardShare", sum.value("hardShare", 0.0)},
                  {"offloadShare", sum.value("offloadShare", 0.0)},
                  {"p50Ms", latency.value("p50", 0.0)},
                  {"p99Ms", latency.value("p99", 0.0)},
                  {"seconds", {{"total", age / 1000}}}};
  if (sum.contains("accuracy")) summary["accuracy"] = sum["accuracy"];
  return summary;
}

Json record_of(const Json& state, std::int64_t at_ms) {
  Json record = summary_of(state, at_ms);
  record["sum"] = of_all(state["edges"]);
  record["nodes"] = of_each(state["edges"]);
  if (!state["clouds"].empty()) record["cloud"] = of_all(state["clouds"]);
  return record;
}

std::string name_of(const Json& place) {
  if (place["side"] == "edge") return "edge " + place["node"].get<std::string>();
  if (place["side"] == "feed") return "the feed of " + place["node"].get<std::string>();
  return "worker " + std::to_string(place["replica"].get<int>()) + " of the cloud";
}

std::string shortened(const std::string& text) {
  return text.size() <= kMostText ? text : text.substr(0, kMostText) + "...";
}

}  // namespace joint
