#pragma once

#include <cstdint>
#include <string>

namespace skerry::engine {

// "2026-01-31T09:05:00Z". Text for people.
std::string wall_clock_text();
std::string wall_clock_text(std::int64_t seconds);

// Seconds since 1970. For what people agree on by date: how long a token holds.
std::int64_t wall_clock_seconds();

}  // namespace skerry::engine
