#include "settings.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace federated {
namespace {

using skerry::Json;

// The host checked the text: digits, perhaps a fraction, and one of these units.
std::int64_t milliseconds(const std::string& text) {
  static constexpr std::array<std::pair<const char*, double>, 5> kUnits = {
      {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}}};
  std::size_t digits = 0;
  double amount = 0;
  try {
    amount = std::stod(text, &digits);
  } catch (const std::exception&) {
    digits = 0;
  }
  for (const auto& [unit, factor] : kUnits) {
    if (digits > 0 && text.substr(digits) == unit) return std::llround(amount * factor);
  }
  throw skerry::Error(SKERRY_INVALID_ARGUMENT, "deadline",
                      "`" + text + "` is no duration; write 500ms, 60s, 5m or 2h");
}

Stop read_stop(const Json& value) {
  return {value.at("metric").get<std::string>(), value.at("operator").get<std::string>(),
          value.at("value").get<double>()};
}

std::string plain(double value) {
  return Json(value).dump();
}

}  // namespace

bool Stop::reached(double found) const {
  if (op == ">=") return found >= value;
  if (op == ">") return found > value;
  if (op == "<=") return found <= value;
  return found < value;
}

std::string Stop::text() const {
  return metric + " " + op + " " + plain(value);
}

Settings Settings::from_spec(const Json& spec) {
  Settings settings;
  settings.rounds = spec.at("rounds").get<int>();
  settings.quorum = spec.value("quorum", settings.quorum);
  settings.nodes = std::max(spec.value("nodes", settings.quorum), settings.quorum);
  settings.deadline_ms = milliseconds(spec.value("deadline", "10m"));
  settings.retries = spec.value("retries", settings.retries);
  settings.attempts = spec.value("attempts", settings.attempts);
  if (const auto evaluation = spec.find("evaluation"); evaluation != spec.end()) {
    settings.where = evaluation->value("where", settings.where);
    settings.every = evaluation->value("every", settings.every);
  }
  if (const auto stop = spec.find("stop"); stop != spec.end() && !stop->is_null()) {
    settings.stop = read_stop(*stop);
  }
  if (const auto model = spec.find("initialModel"); model != spec.end() && !model->is_null()) {
    settings.initial_model = model->at("$artifact").get<std::string>();
  }
  return settings;
}

void to_json(Json& json, const Settings& settings) {
  json = {{"rounds", settings.rounds},
          {"quorum", settings.quorum},
          {"nodes", settings.nodes},
          {"deadline", std::to_string(settings.deadline_ms) + "ms"},
          {"retries", settings.retries},
          {"attempts", settings.attempts},
          {"evaluation", {{"where", settings.where}, {"every", settings.every}}}};
  if (settings.stop) {
    json["stop"] = {{"metric", settings.stop->metric},
                    {"operator", settings.stop->op},
                    {"value", settings.stop->value}};
  }
}

// The state's form is a spec again: one reader serves both. The initial model is in the state's
// `model` by then.
void from_json(const Json& json, Settings& settings) {
  settings = Settings::from_spec(json);
}

}  // namespace federated
