// What workers tell of themselves, added up. A worker counts from its own beginning: what it had
// counted when it ended stays. On one edge two may count at a time, a version that serves and the
// one that takes its place.
//
// State: {who: {"now": {task: metrics}, "ended": metrics, "breaker": number, "brief": true}}, where
// metrics are text (see totals.cpp) and "brief" is one of whom only counts are kept. Under ""
// stands what those had counted that were forgotten.
#pragma once

#include <skerry/workflow.hpp>

#include <map>
#include <string>

namespace joint {

using skerry::Json;
using Metrics = std::map<std::string, double>;

// What a feed says of its own: "fed", the examples that it asked about, and "unanswered", those of
// them without an answer. Anything else its edge counts.
Metrics counts_of_feed(const Metrics& metrics);

// Of so many it is known how long things took, and what each of them has counted; of the others
// what they have counted together. The state of a service stays small.
inline constexpr std::size_t kMostWatched = 100;

// What the task's worker says, which is believed as far as it makes sense: names that a worker has,
// and whole numbers. The breaker stays as it was where it is not among them. False: that is nothing
// new.
bool note(Json& state, const std::string& who, const std::string& task, const Metrics& metrics);

// The task counts no more.
void end(Json& state, const std::string& who, const std::string& task);

// There is no such edge any more.
void forget(Json& state, const std::string& who);

// {"requests", "hard", ..., "hardShare", "offloadShare", "accuracy", ..., "latencyMs": {"total":
// {"p50", "p90", "p99"}, ...}} of all, and of each that is watched, with its "breaker". Pairs as
// "fed" and "unanswered" are there where there is any of them.
Json of_all(const Json& state);
Json of_each(const Json& state);

// "1204 questions, 20.1 % hard, ...": for a person.
std::string text_of(const Json& totals);

}  // namespace joint
