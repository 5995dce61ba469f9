#pragma once

#include <string>

namespace skerry::engine {

// "2026-01-31T09:05:00Z". Text for people: no decision depends on the wall clock.
std::string wall_clock_text();

}  // namespace skerry::engine
