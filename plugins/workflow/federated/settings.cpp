#include "settings.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace federated {
namespace {

using skerry::Json;

Stop read_stop(const Json& value) {
  return {value.at("metric").get<std::string>(), value.at("operator").get<std::string>(),
          value.at("value").get<double>()};
}

std::optional<double> number(const Json& from, const char* key) {
  const auto found = from.find(key);
  if (found == from.end() || found->is_null()) return std::nullopt;
  return found->get<double>();
}

Limits read_limits(const Json& value) {
  Limits limits;
  limits.bytes = value.value("bytes", limits.bytes);
  limits.share = number(value, "share");
  if (const auto norm = value.find("norm"); norm != value.end()) {
    limits.norm = norm->at("max").get<double>();
    limits.clip = norm->value("policy", "reject") == "clip";
  }
  if (const auto samples = value.find("samples"); samples != value.end()) {
    limits.min_samples = samples->value("min", limits.min_samples);
    limits.max_samples = samples->value("max", limits.max_samples);
    limits.node_samples = samples->value("nodes", limits.node_samples);
  }
  if (limits.min_samples > limits.max_samples) {
    throw skerry::Error(SKERRY_INVALID_ARGUMENT, "limits.samples",
                        "min is " + std::to_string(limits.min_samples) + " and max is " +
                            std::to_string(limits.max_samples) +
                            ": no update could be accepted; raise max or lower min");
  }
  return limits;
}

Json written(const Limits& limits) {
  Json json = {
      {"samples",
       {{"min", limits.min_samples}, {"max", limits.max_samples}, {"nodes", limits.node_samples}}},
      {"bytes", limits.bytes}};
  if (limits.norm)
    json["norm"] = {{"max", *limits.norm}, {"policy", limits.clip ? "clip" : "reject"}};
  if (limits.share) json["share"] = *limits.share;
  return json;
}

Gate read_gate(const Json& value, const std::string& where) {
  Gate gate{value.at("metric").get<std::string>(), number(value, "atLeast"),
            number(value, "atMost"), number(value, "maxDrop"), number(value, "maxRise")};
  if (!gate.at_least && !gate.at_most && !gate.max_drop && !gate.max_rise) {
    throw skerry::Error(SKERRY_INVALID_ARGUMENT, "gate",
                        "says nothing to compare `" + gate.metric +
                            "` with; add atLeast, atMost, maxDrop or maxRise");
  }
  if (where == "none") {
    throw skerry::Error(SKERRY_INVALID_ARGUMENT, "gate",
                        "needs an evaluation, and evaluation.where is none; set it to cloud or "
                        "edges, or take the gate away");
  }
  return gate;
}

Json written(const Gate& gate) {
  Json json = {{"metric", gate.metric}};
  const auto add = [&](const char* key, const std::optional<double>& value) {
    if (value) json[key] = *value;
  };
  add("atLeast", gate.at_least);
  add("atMost", gate.at_most);
  add("maxDrop", gate.max_drop);
  add("maxRise", gate.max_rise);
  return json;
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

std::uint64_t Limits::most_samples(const std::string& node) const {
  const auto own = node_samples.find(node);
  return own == node_samples.end() ? max_samples : std::min(max_samples, own->second);
}

std::string Gate::refusal(std::optional<double> found, std::optional<double> last) const {
  if (!found) return "the evaluation gave no metric `" + metric + "`";
  const std::string is = metric + " is " + plain(*found);
  if (at_least && !(*found >= *at_least))
    return is + ", at least " + plain(*at_least) + " is wanted";
  if (at_most && !(*found <= *at_most)) return is + ", at most " + plain(*at_most) + " is wanted";
  if (!last) return {};
  const std::string was = is + ", the last good model had " + plain(*last);
  if (max_drop && !(*found >= *last - *max_drop))
    return was + " and may lose " + plain(*max_drop) + " at most";
  if (max_rise && !(*found <= *last + *max_rise))
    return was + " and may gain " + plain(*max_rise) + " at most";
  return {};
}

Settings Settings::from_spec(const Json& spec) {
  Settings settings;
  settings.rounds = spec.at("rounds").get<int>();
  settings.quorum = spec.value("quorum", settings.quorum);
  settings.nodes = std::max(spec.value("nodes", settings.quorum), settings.quorum);
  settings.deadline_ms = skerry::milliseconds(spec.value("deadline", "10m"), "deadline");
  settings.retries = spec.value("retries", settings.retries);
  settings.attempts = spec.value("attempts", settings.attempts);
  if (const auto codec = spec.find("codec"); codec != spec.end())
    settings.codec = codec->is_object() || *codec == true;
  if (const auto evaluation = spec.find("evaluation"); evaluation != spec.end()) {
    settings.where = evaluation->value("where", settings.where);
    settings.every = evaluation->value("every", settings.every);
  }
  if (const auto stop = spec.find("stop"); stop != spec.end() && !stop->is_null()) {
    settings.stop = read_stop(*stop);
  }
  if (const auto limits = spec.find("limits"); limits != spec.end())
    settings.limits = read_limits(*limits);
  if (const auto gate = spec.find("gate"); gate != spec.end() && !gate->is_null())
    settings.gate = read_gate(*gate, settings.where);
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
          {"codec", settings.codec},
          {"evaluation", {{"where", settings.where}, {"every", settings.every}}},
          {"limits", written(settings.limits)}};
  if (settings.gate) json["gate"] = written(*settings.gate);
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
