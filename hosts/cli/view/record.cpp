#include "hosts/cli/view/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/units.hpp"

namespace skerry::cli {
namespace {

// Numbers of a record that count or describe rather than measure quality.
constexpr std::array<std::string_view, 12> kNotMetrics{
    "round",   "participants",    "late",    "rejected", "failed",   "selected",
    "samples", "trainCpuSeconds", "attempt", "at_ms",    "attempts", "quorum"};
constexpr std::array<std::string_view, 3> kFirstMetrics{"loss", "accuracy", "trainLoss"};

const Json* find(const Json& value, std::string_view key) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(std::string(key));
  return found == value.end() ? nullptr : &*found;
}

}  // namespace

std::optional<double> number_at(const Json& record, std::string_view path) {
  const Json* value = &record;
  while (value != nullptr && !path.empty()) {
    const auto slash = path.find('/');
    value = find(*value, path.substr(0, slash));
    path = slash == path.npos ? std::string_view() : path.substr(slash + 1);
  }
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const double number = value->get<double>();
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::string text_at(const Json& value, std::string_view key, std::string otherwise) {
  const Json* found = find(value, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : otherwise;
}

std::vector<std::string> names_at(const Json& record, std::string_view key) {
  std::vector<std::string> names;
  const Json* list = find(record, key);
  if (list == nullptr || !list->is_array()) return names;
  for (const Json& entry : *list) {
    if (entry.is_string()) {
      names.push_back(entry.get<std::string>());
    } else if (entry.is_object()) {
      names.push_back(text_at(entry, "node", text_at(entry, "name")));
    }
  }
  return names;
}

std::vector<std::string> participants_of(const Json& record) {
  const Json* list = find(record, "participants");
  return names_at(record, list != nullptr && list->is_array() ? "participants" : "nodes");
}

std::optional<double> participant_count(const Json& record) {
  if (const auto number = number_at(record, "participants")) return number;
  const auto names = participants_of(record);
  if (names.empty() && find(record, "participants") == nullptr) return std::nullopt;
  return static_cast<double>(names.size());
}

std::vector<std::string> metric_names(const Json& record) {
  std::vector<std::string> names;
  for (const auto name : kFirstMetrics) {
    if (number_at(record, name)) names.emplace_back(name);
  }
  if (!record.is_object()) return names;
  for (const auto& [key, value] : record.items()) {
    const bool known = std::count(kNotMetrics.begin(), kNotMetrics.end(), key) > 0 ||
                       std::count(kFirstMetrics.begin(), kFirstMetrics.end(), key) > 0;
    if (value.is_number() && !known) names.push_back(key);
  }
  return names;
}

Json metrics_of(const Json& record) {
  Json metrics = Json::object();
  for (const std::string& name : metric_names(record)) metrics[name] = record.at(name);
  return metrics;
}

double round_of(const Json& record, std::size_t place) {
  return number_at(record, "round").value_or(static_cast<double>(place + 1));
}

std::string format_number(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e9) return fmt::format("{:.0f}", value);
  const double size = std::abs(value);
  if (size < 1e-3 || size >= 1e6) return fmt::format("{:.2e}", value);
  if (size < 10) return fmt::format("{:.4f}", value);
  return fmt::format("{:.2f}", value);
}

std::string format_seconds(double seconds) {
  const double limited = std::clamp(seconds, 0.0, 1e10);
  return format_duration(std::chrono::milliseconds(std::llround(limited * 1000)));
}

std::string format_size(double bytes) {
  return format_bytes(static_cast<std::uint64_t>(std::clamp(bytes, 0.0, 1e18)));
}

}  // namespace skerry::cli
