#include "core/engine/audit.hpp"

#include <utility>

#include "core/engine/wall_clock.hpp"

namespace skerry::engine {
namespace {

// Sources are chosen by those whom the limit is for: beyond this many they share one.
constexpr std::size_t kMaxSources = 4096;
constexpr const char* kOthers = "others";

}  // namespace

void audit(Unit& unit, const std::string& actor, const std::string& action,
           const std::string& subject, const Json& details) {
  const Unit::Scope scope(unit);
  must(store::append_audit(unit.database(), {.time = wall_clock_text(),
                                             .actor = actor,
                                             .action = action,
                                             .subject = subject,
                                             .details = dump_json(details)}));
}

std::optional<std::uint64_t> AuditLimit::admit(const std::string& source, Clock::time_point now) {
  if (!sources_.contains(source) && sources_.size() >= kMaxSources) {
    std::erase_if(sources_, [&](const auto& entry) {
      return entry.second.left_out == 0 && now - entry.second.begun >= window_;
    });
  }
  const bool room = sources_.contains(source) || sources_.size() < kMaxSources;
  Source& of = sources_[room ? source : kOthers];
  if (of.written == 0 || now - of.begun >= window_) {
    of.begun = now;
    of.written = 0;
  }
  if (of.written >= most_) {
    ++of.left_out;
    return std::nullopt;
  }
  ++of.written;
  return std::exchange(of.left_out, 0);
}

}  // namespace skerry::engine
