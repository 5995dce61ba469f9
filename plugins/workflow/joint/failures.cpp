#include "failures.hpp"

#include <algorithm>
#include <cstdint>

#include "places.hpp"
#include "reporting.hpp"
#include "status.hpp"
#include "swaps.hpp"

namespace joint {
namespace {

constexpr int kMostTries = 10;  // that are counted: they wait as long as any
constexpr std::int64_t kFeedWaitMs = 60'000;
constexpr int kMostFailures = 4;  // in a row; the next try would be no other

// A person has to change something: trying again gives the same.
bool for_good(const std::string& code) {
  return code == "invalid_argument" || code == "unsupported" || code == "quarantined" ||
         code.rfind("rejected", 0) == 0;
}

// Nothing is wrong with what was started, but with the way there.
bool passes(const std::string& code) {
  return code == "unavailable" || code == "lost" || code == "retry" || code == "cancelled";
}

bool has_ever_served(const Json& state, const std::string& side) {
  return any_place(state, side, [](const Json& place) { return place["served"] != 0; });
}

bool may_serve(const Json& state, const std::string& side) {
  return any_place(state, side, [](const Json& place) { return place["waits"] == true; }) ||
         any_task(state, [&](const Json& task) { return task["side"] == side; });
}

// Of a place where other models have served, or of the first that anybody tries: a node that has
// never served may lack anything.
bool models_are_at_fault(const Json& state, const Json& place) {
  const std::string side = place["side"];
  return state.at("before").contains(side) && place["served"] != state.at(side).at("version") &&
         (place["served"] != 0 || !has_ever_served(state, side));
}

void refused(Step& step, const std::string& name) {
  Json& place = step.state["places"][name];
  const std::string side = place["side"];
  const std::string what = name_of(place) + ": " + place["why"].get<std::string>();
  if (!place.contains("refused")) {
    place["refused"] = true;
    step.commands.note("service.refused", what, place["node"]);
    record_failure(step, "rejected", place);
  }
  // Without a feed the service answers applications as well as ever. Somebody may plug the camera
  // in.
  if (side == "feed") return start_later(step, name, kFeedWaitMs);
  if (models_are_at_fault(step.state, place)) return go_back(step, side, what);
  // It has been well, and may be again: a person lets a plugin out of quarantine.
  if (place["served"] != 0 || (side == "cloud" && has_ever_served(step.state, side)))
    return start_later(step, name, kLongestWaitMs);
  if (side == "cloud" || !may_serve(step.state, "edge")) fail(step, what);
}

}  // namespace

void failed(Step& step, const std::string& name) {
  const skerry::Event& event = step.event;
  Json& place = step.state["places"][name];
  const int tries = place["tries"].get<int>() + 1;
  place["tries"] = std::min(tries, kMostTries);
  place["why"] = event.type == skerry::Event::Type::task_failed ? shortened(event.message)
                                                                : "it ended by itself";
  const bool hopeless = for_good(event.code) || (!passes(event.code) && tries >= kMostFailures);
  if (hopeless) return refused(step, name);
  if (tries == 1) record_failure(step, "failed", place);
  start_later(step, name);
}

}  // namespace joint
