#include "record.hpp"

#include <algorithm>

namespace federated {
namespace {

using skerry::Json;

// Weighted by samples, over those that told the metric. A node that told no samples counts once.
std::map<std::string, double> weighted_means(const std::vector<Assignment>& answers) {
  std::map<std::string, double> sums;
  std::map<std::string, double> weights;
  for (const Assignment& each : answers) {
    const double weight = static_cast<double>(std::max<std::uint64_t>(each.samples, 1));
    for (const auto& [name, value] : each.metrics) {
      sums[name] += weight * value;
      weights[name] += weight;
    }
  }
  for (auto& [name, sum] : sums) sum /= weights[name];
  return sums;
}

std::map<std::string, double> metrics_of(const State& state) {
  std::map<std::string, double> metrics = weighted_means(state.round.evaluations);
  const std::map<std::string, double> training = weighted_means(state.round.updates);
  if (const auto loss = training.find("loss"); loss != training.end()) {
    metrics["trainLoss"] = loss->second;
    if (state.settings.where == "none") metrics["loss"] = loss->second;
  }
  return metrics;
}

// The update that the round waited for last.
const Assignment& slowest(const std::vector<Assignment>& updates) {
  return *std::max_element(
      updates.begin(), updates.end(),
      [](const Assignment& a, const Assignment& b) { return a.answer < b.answer; });
}

// Where the round's time went. Download, training and upload are those of its slowest node; what is
// left is waiting: for nodes, for a worker that was busy, for attempts that failed.
Json seconds_of(const Round& round, std::int64_t now_ms) {
  const auto seconds = [](std::int64_t from, std::int64_t to) {
    return static_cast<double>(to - from) / 1000.0;
  };
  const skerry::TaskSeconds& node = slowest(round.updates).seconds;
  const double total = seconds(round.started_ms, now_ms);
  const double aggregate = seconds(round.closed_ms, round.aggregated_ms);
  const double evaluate = seconds(round.aggregated_ms, now_ms);
  const double used = node.download + node.run + node.upload + aggregate + evaluate;
  return {{"total", total},
          {"wait", std::max(0.0, total - used)},
          {"download", node.download},
          {"train", node.run},
          {"upload", node.upload},
          {"aggregate", aggregate},
          {"evaluate", evaluate}};
}

Json node_line(const Assignment& update) {
  Json line = {{"node", update.node},
               {"samples", update.samples},
               {"seconds",
                {{"queue", update.seconds.queue},
                 {"download", update.seconds.download},
                 {"train", update.seconds.run},
                 {"upload", update.seconds.upload}}},
               {"bytes", {{"up", update.bytes.up}, {"down", update.bytes.down}}}};
  const auto loss = update.metrics.find("loss");
  if (update.clipped > 0) line["clippedNorm"] = update.clipped;
  line["loss"] = loss == update.metrics.end() ? Json() : Json(loss->second);
  return line;
}

Json lines_of(const std::vector<Refusal>& refusals) {
  Json lines = Json::array();
  for (const Refusal& each : refusals) {
    lines.push_back({{"node", each.node}, {"code", each.code}, {"message", each.message}});
  }
  return lines;
}

}  // namespace

Record make_record(const State& state, std::int64_t now_ms) {
  const Round& round = state.round;
  Record record;
  record.metrics = metrics_of(state);
  Json& json = record.json;
  json = record.metrics;  // first: a metric of a plugin must not take the place of a member below
  json["round"] = round.number;
  json["attempts"] = round.attempt;
  json["selected"] = round.selected;
  json["participants"] = Json::array();
  json["nodes"] = Json::array();
  std::uint64_t samples = 0;
  double cpu_seconds = 0;
  skerry::TaskBytes bytes;
  for (const Assignment& each : round.updates) {
    json["participants"].push_back(each.node);
    json["nodes"].push_back(node_line(each));
    samples += each.samples;
    cpu_seconds += each.cpu_seconds;
    bytes.up += each.bytes.up;
    bytes.down += each.bytes.down;
  }
  for (const Assignment& each : round.evaluations) {
    bytes.up += each.bytes.up;
    bytes.down += each.bytes.down;
  }
  json["late"] = round.late;
  json["rejected"] = lines_of(round.rejected);
  json["failed"] = lines_of(round.failed);
  json["samples"] = samples;
  json["trainCpuSeconds"] = cpu_seconds;
  json["bytes"] = {{"up", bytes.up}, {"down", bytes.down}};
  json["model"] = round.model;
  json["seconds"] = seconds_of(round, now_ms);
  return record;
}

}  // namespace federated
