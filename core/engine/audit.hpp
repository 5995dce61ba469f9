// The cloud's audit log: an entry is a row of the unit that holds what it tells of, so that there
// is neither a deed without its entry nor an entry without its deed. The rows, and how they are
// chained: core/store/audit_chain.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/base/json.hpp"
#include "core/engine/unit.hpp"
#include "core/store/audit_chain.hpp"

namespace skerry::engine {

// Joins the open unit, or opens one. Event loop only.
void audit(Unit& unit, const std::string& actor, const std::string& action,
           const std::string& subject, const Json& details = Json::object());

inline std::string actor_node(const std::string& node) {
  return "node:" + node;
}
inline std::string actor_invite(const std::string& node) {
  return "invite:" + node;
}
inline constexpr const char* kActorCloud = "cloud";
inline constexpr const char* kActorOperator = "operator";

// What others can cause at will must not fill the disk: of each source, `most` entries within
// `window` are written, and the next one tells how many were left out.
class AuditLimit {
 public:
  using Clock = std::chrono::steady_clock;
  AuditLimit(int most, std::chrono::seconds window) : most_(most), window_(window) {}

  // Nothing: leave it out. Otherwise how many of this source were left out since the last one.
  std::optional<std::uint64_t> admit(const std::string& source, Clock::time_point now);

 private:
  struct Source {
    Clock::time_point begun{};
    int written = 0;
    std::uint64_t left_out = 0;
  };
  int most_;
  std::chrono::seconds window_;
  std::map<std::string, Source> sources_;
};

}  // namespace skerry::engine
