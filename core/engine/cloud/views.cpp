#include "core/engine/cloud/views.hpp"

#include <fmt/format.h>

#include <set>

#include "core/base/suggest.hpp"

namespace skerry::engine::cloud {
namespace {

Json parsed(const std::string& text) {
  return parse_json(text).value_or(Json::object());
}

// The numbers of a record that are metrics: what stands at its top level, without counters.
Json metrics_of(const Json& record) {
  static const std::set<std::string> counters{"round", "samples", "selected", "attempts",
                                              "trainCpuSeconds"};
  Json metrics = Json::object();
  for (const auto& [name, value] : record.items())
    if (value.is_number() && counters.count(name) == 0) metrics[name] = value;
  return metrics;
}

}  // namespace

Json Views::conditions() const {
  Json list = Json::array();
  if (disk_ != nullptr && disk_->low())
    list.push_back({{"at", disk_->since()},
                    {"type", "DiskFull"},
                    {"reason", "cloud"},
                    {"message", disk_->text()}});
  return list;
}

Json Views::nodes() {
  Json list = Json::array();
  for (const auto& node : nodes_.list()) {
    const auto heard = peers_.seconds_since_heard(node.name);
    auto tasks = unit_.sql("SELECT count(*) FROM task WHERE node = ? AND state = 'open'");
    tasks.bind(1, node.name);
    must(tasks.step());
    list.push_back({{"name", node.name},
                    {"state", node.revoked               ? "revoked"
                              : peers_.online(node.name) ? "online"
                                                         : "offline"},
                    {"joined", node.joined},
                    {"key", node.key},
                    {"lastSeenSeconds", heard ? Json(*heard) : Json()},
                    {"tasks", tasks.column_int(0)},
                    {"message", peers_.complaint(node.name)}});
  }
  for (const auto& [name, expires] : nodes_.invited()) {
    list.push_back({{"name", name},
                    {"expires", expires},
                    {"state", "invited"},
                    {"joined", Json()},
                    {"lastSeenSeconds", Json()},
                    {"tasks", 0},
                    {"message", ""}});
  }
  return list;
}

Json Views::records(const Job& job, std::int64_t after) {
  Json list = Json::array();
  auto select = unit_.sql("SELECT body FROM record WHERE job = ? AND seq > ? ORDER BY seq");
  select.bind(1, job.id).bind(2, after);
  while (must(select.step())) list.push_back(parsed(select.column_text(0)));
  return list;
}

Json Views::open_tasks(const Job& job) {
  Json list = Json::array();
  auto select =
      unit_.sql("SELECT id, node, kind FROM task WHERE job = ? AND state = 'open' ORDER BY node");
  select.bind(1, job.id);
  while (must(select.step())) {
    const auto progress = job.progress.find(select.column_text(0));
    list.push_back({{"task", select.column_text(0)},
                    {"node", select.column_text(1)},
                    {"kind", select.column_text(2)},
                    {"state", "open"},
                    {"progress", progress == job.progress.end() ? 0.0 : progress->second}});
  }
  return list;
}

Json Views::progress(const Job& job, std::int64_t after) {
  return {
      {"phase", job.phase},         {"message", job.message},
      {"finished", job.finished()}, {"records", records(job, after)},
      {"tasks", open_tasks(job)},   {"bytes", {{"up", job.bytes_up}, {"down", job.bytes_down}}}};
}

Json Views::job_row(const Job& job) {
  Json metrics = Json::object();
  auto last = unit_.sql("SELECT body FROM record WHERE job = ? ORDER BY seq DESC LIMIT 1");
  last.bind(1, job.id);
  if (must(last.step())) metrics = metrics_of(parsed(last.column_text(0)));
  const auto newest = model(job.id, 0);
  return {{"name", job.name},
          {"kind", job.kind},
          {"workflow", parsed(job.plan).value("workflow", "")},
          {"phase", job.phase},
          {"message", job.message},
          {"rounds", job.next_record - 1},
          {"metrics", metrics},
          {"model", newest ? Json(newest->digest.hex()) : Json()},
          {"createdAt", job.created},
          {"bytes", {{"up", job.bytes_up}, {"down", job.bytes_down}}},
          {"elapsedSeconds",
           static_cast<double>(job.finished() ? job.time_base : job.now_ms()) / 1000}};
}

Json Views::job_details(const Job& job) {
  Json details = job_row(job);
  details["plan"] = parsed(job.plan);
  details["records"] = records(job, 0);
  details["tasks"] = Json::array();
  auto tasks =
      unit_.sql("SELECT id, node, kind, state, message FROM task WHERE job = ? ORDER BY rowid");
  tasks.bind(1, job.id);
  while (must(tasks.step())) {
    const auto progress = job.progress.find(tasks.column_text(0));
    details["tasks"].push_back(
        {{"task", tasks.column_text(0)},
         {"node", tasks.column_text(1)},
         {"kind", tasks.column_text(2)},
         {"state", tasks.column_text(3)},
         {"message", tasks.column_text(4)},
         {"progress", progress == job.progress.end() ? 0.0 : progress->second}});
  }
  if (!job.finished()) details["conditions"] = conditions();
  details["plugins"] = Json::array();
  auto plugins = unit_.sql("SELECT plugin FROM loaded WHERE job = ? ORDER BY plugin");
  plugins.bind(1, job.id);
  while (must(plugins.step())) details["plugins"].push_back(plugins.column_text(0));
  return details;
}

Result<Views::Model> Views::model(std::int64_t job, std::int64_t version) {
  auto select = unit_.sql(
      "SELECT version, digest FROM model WHERE job = ?1 AND (?2 = 0 OR version = ?2) ORDER BY "
      "version DESC LIMIT 1");
  select.bind(1, job).bind(2, version);
  if (!must(select.step())) {
    return fail(Code::not_found, version == 0
                                     ? "this job has published no model yet"
                                     : fmt::format("this job has no model version {}", version));
  }
  return Model{select.column_int(0), must(select.column_digest(1))};
}

Json Views::models() {
  Json list = Json::array();
  auto select = unit_.sql(
      "SELECT job.name, model.version, model.digest, model.metrics, model.created FROM model JOIN "
      "job ON "
      "job.id = model.job ORDER BY job.name, model.version");
  while (must(select.step())) {
    const Digest digest = must(select.column_digest(2));
    const auto blob = must(blobs_.find(digest));
    list.push_back({{"name", select.column_text(0)},
                    {"version", select.column_int(1)},
                    {"digest", digest.hex()},
                    {"size", blob ? blob->size : 0},
                    {"metrics", parsed(select.column_text(3))},
                    {"createdAt", select.column_text(4)}});
  }
  return list;
}

Json Views::resources(const char* kind) {
  Json list = Json::array();
  auto select =
      unit_.sql("SELECT name, document, created FROM resource WHERE kind = ? ORDER BY name");
  select.bind(1, kind);
  while (must(select.step())) {
    list.push_back({{"name", select.column_text(0)},
                    {"spec", parsed(select.column_text(1)).value("spec", Json::object())},
                    {"createdAt", select.column_text(2)}});
  }
  return list;
}

Result<Json> Views::list(const std::string& kind, const std::string& name) {
  Json all = Json::array();
  if (kind == "jobs") {
    for (const auto& [job_name, job] : machine_.jobs()) all.push_back(job_row(*job));
  } else if (kind == "nodes") {
    all = nodes();
  } else if (kind == "models") {
    all = models();
  } else if (kind == "datasets") {
    all = resources("Dataset");
  } else {
    return fail(Code::invalid_argument,
                fmt::format("found \"{}\"; allowed: jobs, nodes, models, datasets", kind), {},
                "kind");
  }
  if (name.empty()) return all;
  Json chosen = Json::array();
  std::vector<std::string> names;
  for (const Json& item : all) {
    names.push_back(item.at("name").get<std::string>());
    if (names.back() == name) chosen.push_back(item);
  }
  if (!chosen.empty()) return chosen;
  const auto near = closest(name, names);
  return fail(Code::not_found,
              fmt::format("there is no {} `{}`{}", kind.substr(0, kind.size() - 1), name,
                          near ? fmt::format(". Did you mean `{}`?", *near) : ""));
}

Result<Json> Views::describe(const std::string& kind, const std::string& name) {
  if (kind == "job") {
    if (const Job* job = machine_.find(name)) return job_details(*job);
  }
  const auto items = list(kind + "s", name);
  if (!items) return fail(items.error());
  return items->back();
}

}  // namespace skerry::engine::cloud
