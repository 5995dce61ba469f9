#include "hosts/cli/run/summary.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "hosts/cli/view/record.hpp"

namespace skerry::cli {
namespace {

double sum_of(const std::vector<Json>& records, const std::string& path) {
  double sum = 0;
  for (const Json& record : records) sum += number_at(record, path).value_or(0);
  return sum;
}

// Of the last record that has any: an evaluation need not follow every round.
Json last_metrics(const std::vector<Json>& records) {
  Json metrics = Json::object();
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    for (const std::string& name : metric_names(*record)) {
      if (!metrics.contains(name)) metrics[name] = record->at(name);
    }
  }
  return metrics;
}

Json total_bytes(const RunFacts& facts) {
  Json total = Json::object();
  for (const char* way : {"up", "down"}) {
    const auto counted = number_at(facts.bytes, way);
    total[way] = static_cast<std::uint64_t>(
        std::max(0.0, counted.value_or(sum_of(facts.records, std::string("bytes/") + way))));
  }
  return total;
}

// How the CPU time spent on training, spread evenly, would fall on each core in use.
double training_seconds(const RunFacts& facts) {
  const int busy = std::max(1, std::min(facts.cores, facts.edges * facts.threads_per_edge));
  return sum_of(facts.records, "trainCpuSeconds") / busy;
}

// Where the time went, in the order of the run; "other" is what no part accounts for.
Json parts_of(const RunFacts& facts) {
  Json parts{{"check", facts.check_seconds},
             {"start", facts.start_seconds},
             {"prepare", facts.prepare_seconds}};
  double known = facts.check_seconds + facts.start_seconds + facts.prepare_seconds;
  for (const char* part : kRoundParts) {
    const double seconds = sum_of(facts.records, std::string("seconds/") + part);
    parts[part] = seconds;
    known += seconds;
  }
  parts["other"] = std::max(0.0, facts.elapsed - known);
  return parts;
}

std::string metrics_text(const Json& metrics) {
  std::string text;
  for (const std::string& name : metric_names(metrics)) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name,
                        format_number(number_at(metrics, name).value_or(0)));
  }
  return printable(text.empty() ? "none" : text);
}

std::string parts_text(const Json& parts) {
  std::string text;
  for (const char* part : {"check", "start", "prepare", "wait", "download", "train", "upload",
                           "aggregate", "evaluate", "other"}) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", part,
                        format_seconds(number_at(parts, part).value_or(0)));
  }
  return text;
}

}  // namespace

Json summarize(const RunFacts& facts) {
  const double training = training_seconds(facts);
  Json model = nullptr;
  if (!facts.model_path.empty())
    model = {{"path", facts.model_path}, {"digest", facts.model_digest}};
  return {{"job", facts.job},
          {"phase", facts.phase},
          {"message", facts.message},
          {"rounds", facts.records.size()},
          {"metrics", last_metrics(facts.records)},
          {"model", std::move(model)},
          {"bytes", total_bytes(facts)},
          {"elapsedSeconds", facts.elapsed},
          {"trainingSeconds", training},
          {"overhead", training > 0 ? Json(facts.elapsed / training) : Json(nullptr)},
          {"seconds", parts_of(facts)},
          {"edges", facts.edges},
          {"threadsPerEdge", facts.threads_per_edge},
          {"restarts", facts.restarts},
          {"folder", facts.folder}};
}

std::string summary_text(const Json& summary, const Style& style) {
  const std::string phase = text_at(summary, "phase");
  const Tone tone = phase == "Succeeded" ? Tone::good : Tone::bad;
  const std::string message = printable(text_at(summary, "message"));
  std::string text = fmt::format("job       {}: {}{}\n", printable(text_at(summary, "job")),
                                 paint(style, tone, phase), message.empty() ? "" : ", " + message);
  text += fmt::format("rounds    {}\n", format_number(number_at(summary, "rounds").value_or(0)));
  text += fmt::format("metrics   {}\n", metrics_text(summary.at("metrics")));
  if (summary.at("model").is_object()) {
    text +=
        fmt::format("model     {}\n          blake2b-256 {}\n",
                    text_at(summary.at("model"), "path"), text_at(summary.at("model"), "digest"));
  }
  text += fmt::format("bytes     {} up, {} down\n",
                      format_size(number_at(summary, "bytes/up").value_or(0)),
                      format_size(number_at(summary, "bytes/down").value_or(0)));
  text +=
      fmt::format("time      {}", format_seconds(number_at(summary, "elapsedSeconds").value_or(0)));
  if (const auto overhead = number_at(summary, "overhead")) {
    text += fmt::format(", {:.2f} x the {} of training on the busiest core", *overhead,
                        format_seconds(number_at(summary, "trainingSeconds").value_or(0)));
  }
  text += "\n          " + parts_text(summary.at("seconds")) + "\n";
  text += fmt::format("results   {}\n", text_at(summary, "folder"));
  return text;
}

}  // namespace skerry::cli
