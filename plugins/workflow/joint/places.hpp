// Where a service's tasks run, and which of them do. What a place and a task are in the state:
// service.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>

#include "step.hpp"

namespace joint {

using skerry::Json;

// The timer of a place that will be started again, without its name.
inline constexpr const char* kAgain = "again/";
inline constexpr std::int64_t kLongestWaitMs = 300'000;

// Make places and start what belongs there: of the cloud a worker; on a node the edge, and where
// there are sources its feed. Feeds wait for the cloud to have served once: the first examples of a
// film are as hard as the others.
void add_replica(Step&, int replica);
void add_node(Step&, const std::string& node);
// Those that waited for it.
void start_feeds(Step&);

// With its places, which have no tasks. What it had counted stays in the sum.
void remove_node(Step&, const std::string& node);

// Starts the newest version at a place.
void start(Step&, const std::string& place);

// After so many milliseconds; without them, later with each failure in a row.
void start_later(Step&, const std::string& place, std::int64_t wait_ms);
void start_later(Step&, const std::string& place);
void cancel_start(Step&, const std::string& place);

// What was wrong with a node that is back may have been mended.
void try_once_more(Step&, const std::string& node);

// Forgets the failures of a place, or what the status says of them alone.
void clear_failures(Json& place);
void clear_reason(Json& place);

// A node that was lost and is not back is not; the cloud always is.
bool is_connected(const Json& state, const std::string& node);
bool has_tasks(const Json& state, const std::string& node);
// It has no task here, and none waits to be started.
bool is_idle(const Json& state, const std::string& node);
bool is_newest(const Json& state, const Json& task);
// Or there is none.
bool cloud_has_served(const Json& state);
bool has_newest(const Json& state, const std::string& place);
// Each version is a process with a model: no more may begin at these. The newest does when one has
// ended.
std::set<std::string> full_places(const Json& state);

template <class Is>
bool any_task(const Json& state, Is is) {
  const Json& tasks = state.at("tasks");
  return std::any_of(tasks.begin(), tasks.end(), is);
}
template <class Is>
bool any_place(const Json& state, const std::string& side, Is is) {
  const Json& places = state.at("places");
  return std::any_of(places.begin(), places.end(),
                     [&](const Json& place) { return place["side"] == side && is(place); });
}

}  // namespace joint
