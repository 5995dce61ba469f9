#include "core/engine/wall_clock.hpp"

#include <ctime>

namespace skerry::engine {

std::int64_t wall_clock_seconds() {
  return std::time(nullptr);
}

std::string wall_clock_text() {
  return wall_clock_text(wall_clock_seconds());
}

std::string wall_clock_text(std::int64_t seconds) {
  const std::time_t now = seconds;
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace skerry::engine
