// Durations and sizes as people write and read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace skerry {

// "500ms", "60s", "1.5s", "5m", "2h", "7d"; "0" needs a unit too.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

// "950 ms", "3.2 s", "4 min 05 s", "2 h 03 min".
std::string format_duration(std::chrono::milliseconds duration);

// "512 B", "3.2 kB", "3.2 MB": powers of 1000.
std::string format_bytes(std::uint64_t bytes);

}  // namespace skerry
