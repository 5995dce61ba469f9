// The feed of an edge asks the service about what the edge's sources give, until they have come to
// their end.
#pragma once

#include <string>

#include "step.hpp"

namespace joint {

inline constexpr const char* kFed = "fed";  // the timer of a service that ends with its sources

// Those of the feed at this place have: it is not started again.
void end_feed(Step&, const std::string& place);

// Sets the timer where the service is to end with its sources, and all have come to their end.
void watch_feeds(Step&);

// When the timer fires: others may have come since it was set.
bool all_have_ended(const skerry::Json& state);

}  // namespace joint
