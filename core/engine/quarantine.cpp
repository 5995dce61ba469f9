#include "core/engine/quarantine.hpp"

#include <fmt/format.h>

#include "core/base/log.hpp"
#include "core/engine/wall_clock.hpp"

namespace skerry::engine {
namespace {

constexpr std::size_t kShortestPrefix = 8;

Quarantine::Entry entry_in(store::Statement& row) {
  return {row.column_text(0), row.column_text(1), row.column_text(2), row.column_text(3),
          row.column_text(4)};
}

}  // namespace

bool Quarantine::blame(const runtime::PluginCall& call, const std::string& reason,
                       Clock::time_point now) {
  if (call.digest.empty()) return false;
  auto& deaths = deaths_[call.digest];
  deaths.push_back(now);
  while (now - deaths.front() > kWithin) deaths.pop_front();
  if (deaths.size() < kDeaths) return false;
  deaths_.erase(call.digest);
  const Unit::Scope scope(unit_);
  must(unit_
           .sql("INSERT OR REPLACE INTO quarantine(digest, plugin, kind, reason, time) "
                "VALUES(?, ?, ?, ?, ?)")
           .bind(1, call.digest)
           .bind(2, call.plugin)
           .bind(3, call.call.substr(0, call.call.find('.')))
           .bind(4, reason)
           .bind(5, wall_clock_text())
           .run());
  const auto entry = find(call.digest);
  if (observer_) observer_(*entry);
  log_error(explain(*entry));
  return true;
}

std::optional<Quarantine::Entry> Quarantine::find(const std::string& digest) {
  auto row =
      unit_.sql("SELECT digest, plugin, kind, reason, time FROM quarantine WHERE digest = ?");
  row.bind(1, digest);
  if (!must(row.step())) return std::nullopt;
  return entry_in(row);
}

bool Quarantine::empty() {
  auto row = unit_.sql("SELECT 1 FROM quarantine LIMIT 1");
  return !must(row.step());
}

std::vector<Quarantine::Entry> Quarantine::list() {
  std::vector<Entry> entries;
  auto row = unit_.sql("SELECT digest, plugin, kind, reason, time FROM quarantine ORDER BY time");
  while (must(row.step())) entries.push_back(entry_in(row));
  return entries;
}

Result<Quarantine::Entry> Quarantine::allow(const std::string& digest) {
  std::vector<Entry> found;
  std::string known;
  for (Entry& entry : list()) {
    known += (known.empty() ? "" : ", ") + entry.digest.substr(0, 16) + " (" + entry.plugin + ")";
    if (entry.digest.starts_with(digest)) found.push_back(std::move(entry));
  }
  if (digest.size() < kShortestPrefix)
    return fail(Code::invalid_argument,
                fmt::format("found \"{}\"; give at least {} digits of the plugin's digest", digest,
                            kShortestPrefix));
  if (found.size() != 1)
    return fail(found.empty() ? Code::not_found : Code::invalid_argument,
                fmt::format("{} plugin with the digest {} is in quarantine here; there {}",
                            found.empty() ? "no" : "more than one", digest,
                            known.empty() ? "is none" : "is " + known));
  const Unit::Scope scope(unit_);
  must(unit_.sql("DELETE FROM quarantine WHERE digest = ?").bind(1, found[0].digest).run());
  log_info(fmt::format("plugin `{}` ({}) may run again", found[0].plugin, found[0].digest));
  return found[0];
}

std::string Quarantine::explain(const Entry& entry) const {
  return fmt::format(
      "plugin `{}` ({}, digest {}) is in quarantine on this host since {}: its workers ended {} "
      "times in a row, the last time because {}. Install a mended plugin, or let it run again: {}",
      entry.plugin, entry.kind, entry.digest, entry.time, kDeaths, entry.reason,
      fmt::format(fmt::runtime(how_to_lift_), entry.digest.substr(0, 16)));
}

Json to_json(const Quarantine::Entry& entry) {
  return {{"digest", entry.digest},
          {"plugin", entry.plugin},
          {"kind", entry.kind},
          {"reason", entry.reason},
          {"time", entry.time}};
}

}  // namespace skerry::engine
