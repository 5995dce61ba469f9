#include "feeds.hpp"

#include <cstdint>

#include "places.hpp"

namespace joint {
namespace {

// What an edge has counted, and what the cloud says late, is on its way for so long.
constexpr std::int64_t kLastAnswersMs = 10'000;

}  // namespace

void end_feed(Step& step, const std::string& name) {
  Json& place = step.state["places"][name];
  place["ended"] = true;
  clear_failures(place);
  watch_feeds(step);
}

void watch_feeds(Step& step) {
  if (!step.state.contains("feed") || !step.state["feed"].contains("ends")) return;
  const bool has_feeds = any_place(step.state, "feed", [](const Json&) { return true; });
  if (has_feeds && all_have_ended(step.state)) step.commands.set_timer(kFed, kLastAnswersMs);
}

bool all_have_ended(const Json& state) {
  return !any_place(state, "feed", [](const Json& place) { return !place.contains("ended"); });
}

}  // namespace joint
