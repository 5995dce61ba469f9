// Limits reports of refused keys to one a minute and address. Internal to core/wire.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/wire/zap.hpp"

namespace skerry::wire {

class RefusalLog {
 public:
  using Clock = std::chrono::steady_clock;

  // The refusal to report now, if any.
  std::optional<Refusal> note(const std::string& address, std::string public_key,
                              Clock::time_point now);
  // Counts that waited for their minute to pass; forgets addresses that have been quiet for one.
  std::vector<Refusal> due(Clock::time_point now);

 private:
  struct Entry {
    Clock::time_point reported;
    std::string public_key;
    std::uint64_t waiting = 0;
  };
  std::map<std::string, Entry> entries_;  // by address
};

}  // namespace skerry::wire
