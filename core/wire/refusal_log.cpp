#include "core/wire/refusal_log.hpp"

#include <utility>

namespace skerry::wire {
namespace {

constexpr std::chrono::minutes kInterval{1};
// Strangers choose their addresses: beyond this many a minute they share one entry.
constexpr std::size_t kMaxAddresses = 4096;
constexpr const char* kOthers = "other addresses";

}  // namespace

std::optional<Refusal> RefusalLog::note(const std::string& address, std::string public_key,
                                        Clock::time_point now) {
  const bool known = entries_.contains(address);
  const std::string name = known || entries_.size() < kMaxAddresses ? address : kOthers;
  const auto [at, fresh] = entries_.try_emplace(name);
  Entry& entry = at->second;
  entry.public_key = std::move(public_key);
  ++entry.waiting;
  if (!fresh && now - entry.reported < kInterval) return std::nullopt;
  entry.reported = now;
  return Refusal{name, entry.public_key, std::exchange(entry.waiting, 0)};
}

std::vector<Refusal> RefusalLog::due(Clock::time_point now) {
  std::vector<Refusal> out;
  for (auto at = entries_.begin(); at != entries_.end();) {
    auto& [address, entry] = *at;
    if (now - entry.reported < kInterval) {
      ++at;
    } else if (entry.waiting == 0) {
      at = entries_.erase(at);
    } else {
      out.push_back({address, entry.public_key, std::exchange(entry.waiting, 0)});
      entry.reported = now;
      ++at;
    }
  }
  return out;
}

}  // namespace skerry::wire
