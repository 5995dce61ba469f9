// Plugin files whose code ended too many workers: they run no more on this host until a person says
// so. By the digest of the file, so that a mended plugin starts afresh.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.hpp"
#include "core/engine/unit.hpp"
#include "core/runtime/call_record.hpp"

namespace skerry::engine {

inline constexpr const char* kQuarantineTable = R"sql(
-- Plugin files that must not run here. plugin, kind: the feature that was at work when its worker ended. reason: for
-- people.
CREATE TABLE quarantine(digest TEXT PRIMARY KEY, plugin TEXT NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL,
  time TEXT NOT NULL) WITHOUT ROWID;
)sql";

class Quarantine {
 public:
  using Clock = std::chrono::steady_clock;

  // This many deaths with no answer in between, within this time.
  static constexpr int kDeaths = 4;
  static constexpr auto kWithin = std::chrono::minutes(10);

  struct Entry {
    std::string digest, plugin, kind, reason, time;
  };

  // `how_to_lift`: the command for people, with {} for the digest.
  Quarantine(Unit& unit, std::string how_to_lift)
      : unit_(unit), how_to_lift_(std::move(how_to_lift)) {}

  // Called inside the unit that puts a plugin into quarantine.
  void on_quarantine(std::function<void(const Entry&)> observer) {
    observer_ = std::move(observer);
  }

  // A worker ended while it was in this call. True: the plugin is in quarantine from now on.
  bool blame(const runtime::PluginCall& call, const std::string& reason,
             Clock::time_point now = Clock::now());
  // A worker that had this plugin gave an answer.
  void absolve(const std::string& digest) { deaths_.erase(digest); }

  std::optional<Entry> find(const std::string& digest);
  bool empty();
  std::vector<Entry> list();
  // Lifts it. `digest` may be cut short, to 8 digits at least.
  Result<Entry> allow(const std::string& digest);

  // Why, and what to do about it.
  std::string explain(const Entry& entry) const;

 private:
  Unit& unit_;
  std::string how_to_lift_;
  std::function<void(const Entry&)> observer_;
  std::map<std::string, std::deque<Clock::time_point>> deaths_;  // by digest
};

Json to_json(const Quarantine::Entry& entry);

}  // namespace skerry::engine
