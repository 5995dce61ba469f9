#include "totals.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <utility>

namespace joint {
namespace {

constexpr const char* kCounts[] = {
    "requests", "hard",  "offloaded", "byEdge",    "byCloud",  "fallbacks", "refused",
    "missed",   "late",  "spared",    "audited",   "compared", "disagreed", "auditDisagreed",
    "labelled", "right", "edgeKnown", "edgeRight", "batches",  "expired"};
constexpr const char* kFeedCounts[] = {"fed", "unanswered"};
// Each pair is told where there is any of it: not every service has sources, or keeps labels.
constexpr const char* kPairs[][2] = {
    {"fed", "unanswered"}, {"bytesUp", "encoded"}, {"labelsKept", "labelsDropped"}};
constexpr const char* kTimes[] = {"total", "wire", "queue", "compute"};
constexpr const char* kBucket = ".le.";    // "total.le.95": so many took at most 95 microseconds
constexpr std::size_t kMostBuckets = 256;  // of each; as many as a worker has, and some
constexpr std::size_t kMostDigits = 12;
constexpr double kMost = 9007199254740992.0;  // what a node can claim and still be added up

std::uint64_t whole(double value) {
  return static_cast<std::uint64_t>(std::llround(std::min(value, kMost)));
}

template <class Names>
bool is_one_of(const Names& names, const std::string& name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

bool is_count(const std::string& name) {
  return is_one_of(kCounts, name) ||
         std::any_of(std::begin(kPairs), std::end(kPairs),
                     [&](const auto& pair) { return is_one_of(pair, name); });
}

// "total" of "total.le.95"; empty where the name is no bucket's.
std::string timed_by(const std::string& name) {
  const auto at = name.find(kBucket);
  if (at == std::string::npos) return {};
  const std::string upper = name.substr(at + std::string(kBucket).size());
  if (upper.empty() || upper.size() > kMostDigits ||
      upper.find_first_not_of("0123456789") != std::string::npos)
    return {};
  const std::string what = name.substr(0, at);
  return is_one_of(kTimes, what) ? what : "";
}

Metrics sensible(const Metrics& claimed, bool brief) {
  Metrics metrics;
  std::map<std::string, std::size_t> buckets;
  for (const auto& [name, value] : claimed) {
    if (!std::isfinite(value) || value < 0.5) continue;
    const std::string timed = timed_by(name);
    const bool kept = timed.empty() ? is_count(name) : !brief && ++buckets[timed] <= kMostBuckets;
    if (kept) metrics[name] = static_cast<double>(whole(value));
  }
  return metrics;
}

void add(Metrics& to, const Metrics& from) {
  for (const auto& [name, value] : from) to[name] = std::min(kMost, to[name] + value);
}

// "requests 1204 total.le.95 3": reading and writing a state of many objects would take most of the
// time of a decision.
std::string text_of_metrics(const Metrics& metrics) {
  std::string text;
  for (const auto& [name, value] : metrics)
    text += (text.empty() ? "" : " ") + name + " " + std::to_string(whole(value));
  return text;
}
Metrics metrics_in(const Json& owner, const char* member) {
  const std::string text = owner.value(member, std::string());
  Metrics metrics;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t middle = text.find(' ', at), end = text.find(' ', middle + 1);
    metrics[text.substr(at, middle - at)] = std::strtod(text.c_str() + middle, nullptr);
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return metrics;
}

Metrics sum_of(const Json& entry) {
  Metrics sum = metrics_in(entry, "ended");
  for (const auto& task : entry["now"].items())
    add(sum, metrics_in(entry["now"], task.key().c_str()));
  return sum;
}

// Counts never fall while a worker lives: one that fell is another worker's.
bool began_anew(const Metrics& before, const Metrics& now) {
  return std::any_of(before.begin(), before.end(), [&](const auto& each) {
    const auto found = now.find(each.first);
    return (found == now.end() ? 0 : found->second) < each.second;
  });
}

void add_to_ended(Json& entry, const Metrics& metrics) {
  Metrics ended = metrics_in(entry, "ended");
  add(ended, metrics);
  entry["ended"] = text_of_metrics(ended);
}

// By bucket: the number of durations that took at most so many microseconds.
using Buckets = std::map<std::uint64_t, double>;

Json percentiles(const Buckets& buckets) {
  double total = 0;
  for (const auto& bucket : buckets) total += bucket.second;
  Json found = Json::object();
  for (const auto& [label, share] : {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}}) {
    double rank = std::floor(share * total);
    for (const auto& [upper, count] : buckets) {
      if (count > rank) {
        found[label] = static_cast<double>(upper) / 1000;
        break;
      }
      rank -= count;
    }
  }
  return found;
}

Json latencies(const Metrics& metrics) {
  std::map<std::string, Buckets> all;
  for (const auto& [name, count] : metrics) {
    const std::string timed = timed_by(name);
    if (!timed.empty()) all[timed][std::stoull(name.substr(name.rfind('.') + 1))] += count;
  }
  Json found = Json::object();
  for (const auto& [name, buckets] : all) found[name] = percentiles(buckets);
  return found;
}

Json told(const Metrics& metrics) {
  const auto count = [&](const char* name) {
    const auto found = metrics.find(name);
    return found == metrics.end() ? 0.0 : found->second;
  };
  Json totals = Json::object();
  for (const char* name : kCounts) totals[name] = whole(count(name));
  for (const auto& [one, other] : kPairs) {
    if (count(one) + count(other) == 0) continue;
    totals[one] = whole(count(one));
    totals[other] = whole(count(other));
  }
  const auto share = [&](const char* name, const char* part, const char* of) {
    if (count(of) > 0) totals[name] = std::min(1.0, count(part) / count(of));
  };
  share("hardShare", "hard", "requests");
  share("offloadShare", "offloaded", "requests");
  share("accuracy", "right", "labelled");
  share("edgeAccuracy", "edgeRight", "edgeKnown");
  share("auditDisagreement", "auditDisagreed", "audited");
  Json latency = latencies(metrics);
  if (!latency.empty()) totals["latencyMs"] = std::move(latency);
  return totals;
}

std::string percent(const Json& totals, const char* name) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * totals.value(name, 0.0));
  return text;
}

}  // namespace

Metrics counts_of_feed(const Metrics& metrics) {
  Metrics counts;
  for (const auto& [name, value] : metrics)
    if (is_one_of(kFeedCounts, name)) counts[name] = value;
  return counts;
}

bool note(Json& state, const std::string& who, const std::string& task, const Metrics& metrics) {
  if (!state.contains(who)) {
    state[who] = {{"now", Json::object()}};
    if (state.size() - state.count("") > kMostWatched) state[who]["brief"] = true;
  }
  Json& entry = state[who];
  const auto breaker = metrics.find("breaker");
  if (breaker != metrics.end() || !entry.contains("breaker"))
    entry["breaker"] = breaker == metrics.end() || !(breaker->second > 0) ? 0 : 1;
  const Metrics before = metrics_in(entry["now"], task.c_str());
  const Metrics now = sensible(metrics, entry.contains("brief"));
  if (now == before) return false;
  if (began_anew(before, now)) add_to_ended(entry, before);
  entry["now"][task] = text_of_metrics(now);
  return true;
}

void end(Json& state, const std::string& who, const std::string& task) {
  const auto entry = state.find(who);
  if (entry == state.end() || !(*entry)["now"].contains(task)) return;
  add_to_ended(*entry, metrics_in((*entry)["now"], task.c_str()));
  (*entry)["now"].erase(task);
}

void forget(Json& state, const std::string& who) {
  const auto entry = state.find(who);
  if (entry == state.end() || who.empty()) return;
  const Metrics sum = sum_of(*entry);
  state.erase(who);
  if (!state.contains("")) state[""] = {{"now", Json::object()}};
  add_to_ended(state[""], sum);
}

Json of_each(const Json& state) {
  Json all = Json::object();
  for (const auto& [who, entry] : state.items()) {
    if (who.empty() || entry.contains("brief")) continue;
    Json& totals = all[who] = told(sum_of(entry));
    totals["breaker"] = entry.value("breaker", 0) == 0 ? "closed" : "open";
  }
  return all;
}

Json of_all(const Json& state) {
  Metrics sum;
  for (const Json& entry : state) add(sum, sum_of(entry));
  return told(sum);
}

std::string text_of(const Json& totals) {
  const auto count = [&](const char* name) { return totals.value(name, std::uint64_t{0}); };
  std::string text =
      std::to_string(count("requests")) + (count("requests") == 1 ? " question" : " questions");
  if (count("requests") == 0) return text;
  text += ", " + percent(totals, "hardShare") + " hard, " + percent(totals, "offloadShare") +
          " to the cloud";
  if (count("fallbacks") > 0)
    text += ", " + std::to_string(count("fallbacks")) + " answered by the edge for want of it";
  if (totals.contains("accuracy")) text += ", " + percent(totals, "accuracy") + " right";
  if (totals.contains("latencyMs") && totals["latencyMs"].contains("total")) {
    char latency[64];
    const Json& total = totals["latencyMs"]["total"];
    std::snprintf(latency, sizeof latency, ", p50 %.2f ms, p99 %.2f ms", total.value("p50", 0.0),
                  total.value("p99", 0.0));
    text += latency;
  }
  return text;
}

}  // namespace joint
