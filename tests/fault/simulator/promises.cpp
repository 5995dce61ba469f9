#include "promises.hpp"

#include <fmt/format.h>

#include <set>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "core/engine/unit.hpp"
#include "core/store/blob_store.hpp"
#include "core/wire/envelope.hpp"
#include "work.hpp"

namespace skerry::simulator {

using engine::must;

store::Database& Promises::database(const Host& host) {
  auto& open = databases_[host.name()];
  if (!open) {
    const char* file = host.name() == "cloud" ? "cloud.db" : "edge.db";
    open = std::make_unique<store::Database>(must(store::Database::open(host.state() / file)));
  }
  return *open;
}

std::uint64_t Promises::number(const Host& host, const std::string& sql, const std::string& name) {
  auto select = must(database(host).cached(sql));
  if (!name.empty()) select.bind(1, name);
  if (!must(select.step()) || select.column_is_null(0)) return 0;
  return static_cast<std::uint64_t>(select.column_int(0));
}

// A connection of its own sees what is committed and nothing else.
void Promises::frame_left(const Host& from, const std::string& node, const std::string& frame) {
  if (node == distrusted_) return;
  const auto view = wire::check_frame(frame, wire::kControlLimit);
  if (!view || view->header.ack == 0) return;
  const bool cloud = from.name() == "cloud";
  const std::uint64_t committed =
      cloud ? number(from, "SELECT uplink_seq FROM node WHERE name = ?", node)
            : number(from, "SELECT value FROM meta WHERE key = 'inbox_seq'");
  if (view->header.ack > committed) {
    broke(fmt::format("{} acknowledged message {} of {}, and {} is the last that is durable",
                      from.name(), view->header.ack, cloud ? node : "the cloud", committed));
  }
  const std::uint64_t whole = uplinks_[outbox_[node]].whole;
  if (cloud && view->header.ack > whole) {
    broke(fmt::format("the cloud acknowledged message {} of {}, of which it has had those up to {}",
                      view->header.ack, node, whole));
  }
}

void Promises::frame_arrived(const Host& to, const std::string& node, const std::string& frame) {
  if (to.name() != "cloud" || node == distrusted_) return;
  const auto received = must(wire::parse_frame(frame, wire::kControlLimit));
  if (received.header.type == wire::Type::hello)
    outbox_[node] = must(wire::decode<wire::Hello>(received.payload())).outbox;
  if (received.header.seq == 0) return;
  Uplink& uplink = uplinks_[outbox_[node]];
  uplink.arrived.insert(received.header.seq);
  while (uplink.arrived.erase(uplink.whole + 1) > 0) ++uplink.whole;
}

std::uint64_t Promises::results_of(const Host& cloud, const std::string& node) {
  return number(cloud,
                "SELECT count(*) FROM event WHERE json_extract(body, '$.type') = 'TaskFinished' "
                "AND json_extract(body, '$.node') = ?",
                node);
}

std::string Promises::state_of_jobs(const Host& cloud) {
  std::string text;
  auto jobs =
      must(database(cloud).prepare("SELECT name, phase, message, (SELECT group_concat(id || ' of ' "
                                   "|| node, ', ') FROM task WHERE "
                                   "task.job = job.id AND task.state = 'open') FROM job"));
  while (must(jobs.step())) {
    text += fmt::format("{}{} is {} ({}), open tasks: {}", text.empty() ? "" : "; ",
                        jobs.column_text(0), jobs.column_text(1), jobs.column_text(2),
                        jobs.column_text(3));
  }
  return text;
}

void Promises::job_ended(const Host& cloud, const std::string& name, int rounds,
                         std::size_t floats) {
  store::Database& rows = database(cloud);
  auto job = must(rows.prepare("SELECT phase, message, id FROM job WHERE name = ?"));
  job.bind(1, name);
  if (!must(job.step())) return broke("there is no job any more");
  const std::int64_t id = job.column_int(2);
  if (job.column_text(0) != "Succeeded")
    return broke(fmt::format("the job ended as {}: {}", job.column_text(0), job.column_text(1)));
  check_task_once(rows, id);
  check_rounds(rows, id, cloud, rounds, floats);
}

void Promises::check_task_once(store::Database& database, std::int64_t job) {
  std::set<std::string> answered;
  auto events = must(database.prepare("SELECT body FROM event WHERE job = ? ORDER BY seq"));
  events.bind(1, job);
  while (must(events.step())) {
    const Json event = must(parse_json(events.column_text(0)));
    const std::string type = event.at("type");
    if (type != "TaskFinished" && type != "TaskFailed") continue;
    if (!answered.insert(event.at("task")).second)
      broke(fmt::format("task {} was answered twice", event.at("task").get<std::string>()));
  }
  auto tasks = must(database.prepare(
      "SELECT id FROM task WHERE job = ? AND state IN ('finished', 'failed') ORDER BY id"));
  tasks.bind(1, job);
  while (must(tasks.step()))
    if (!answered.contains(tasks.column_text(0)))
      broke(fmt::format("the workflow was never told how task {} ended", tasks.column_text(0)));
}

// The chain of models: each round's is the mean of exactly the updates that its aggregation was
// given, which come from different nodes and from the model before.
void Promises::check_rounds(store::Database& database, std::int64_t job, const Host& cloud,
                            int rounds, std::size_t floats) {
  struct Answer {
    std::string node, digest;
  };
  std::map<std::string, Answer> answers;  // by task
  auto events = must(database.prepare("SELECT body FROM event WHERE job = ? ORDER BY seq"));
  events.bind(1, job);
  while (must(events.step())) {
    const Json event = must(parse_json(events.column_text(0)));
    if (event.at("type") != "TaskFinished") continue;
    for (const auto& [name, artifact] : event.at("artifacts").items())
      answers[event.at("task")] = {event.at("node"), artifact.at("digest")};
  }
  std::map<std::string, Json> aggregations;  // by the model that they made
  auto tasks =
      must(database.prepare("SELECT id, params, inputs FROM task WHERE kind = "
                            "'federated.aggregate' AND state = 'finished' AND job = ?"));
  tasks.bind(1, job);
  while (must(tasks.step()))
    aggregations[answers[tasks.column_text(0)].digest] = {
        {"task", tasks.column_text(0)},
        {"params", must(parse_json(tasks.column_text(1)))},
        {"inputs", must(parse_json(tasks.column_text(2)))}};

  std::vector<Json> round_records;
  auto records = must(database.prepare("SELECT body FROM record WHERE job = ? ORDER BY seq"));
  records.bind(1, job);
  while (must(records.step())) round_records.push_back(must(parse_json(records.column_text(0))));
  if (round_records.size() != static_cast<std::size_t>(rounds))
    return broke(fmt::format("{} rounds are on record, not {}", round_records.size(), rounds));

  std::string model = first_model(floats);
  int round = 0;
  auto models =
      must(database.prepare("SELECT version, digest FROM model WHERE job = ? ORDER BY version"));
  models.bind(1, job);
  while (must(models.step())) {
    if (models.column_int(0) != ++round) return broke(fmt::format("model {} is missing", round));
    const std::string digest = must(models.column_digest(1)).hex();
    const auto found = aggregations.find(digest);
    if (found == aggregations.end())
      return broke(fmt::format("no aggregation made the model of round {}", round));
    const Json& aggregation = found->second;
    const Json& entries = aggregation.at("params").at("updates");
    const std::string base = digest_of(as_bytes(model)).hex();
    if (aggregation.at("inputs").at("base") != base)
      return broke(
          fmt::format("round {} began from another model than round {} made", round, round - 1));
    std::set<std::string> nodes;
    std::vector<std::string> updates;
    Json participants = Json::array();
    for (const Json& entry : entries) participants.push_back(entry.at("node"));
    if (round_records[static_cast<std::size_t>(round) - 1].at("participants") != participants)
      broke(fmt::format(
          "round {} was made of the updates of {}, and its record names {}", round,
          participants.dump(),
          round_records[static_cast<std::size_t>(round) - 1].at("participants").dump()));
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::string node = entries[i].at("node");
      if (!nodes.insert(node).second)
        broke(fmt::format("round {} counts node {} twice", round, node));
      if (node == distrusted_)
        return broke(fmt::format("round {} counts an update of {}, which made none", round, node));
      updates.push_back(train(model, node));
      if (aggregation.at("inputs").at(fmt::format("u{}", i)) !=
          digest_of(as_bytes(updates.back())).hex())
        broke(fmt::format("round {}: the update of {} is not what it made", round, node));
    }
    model = mean(updates);
    if (digest_of(as_bytes(model)).hex() != digest)
      return broke(fmt::format("round {} does not compute to the same bits again", round));
  }
  if (round != rounds) broke(fmt::format("{} rounds were published, not {}", round, rounds));
  const auto last = digest_of(as_bytes(model));
  auto blob = must(database.prepare("SELECT data FROM blob WHERE digest = ?"));
  blob.bind(1, last);
  if (!must(blob.step())) return broke("the last model's blob is gone");
  const std::string hex = last.hex();
  const std::string bytes =
      blob.column_is_null(0)
          ? read_file(cloud.state() / "blobs" / hex.substr(0, 2) / hex).value_or("")
          : blob.column_blob(0);
  if (bytes != model) broke("the last model's blob does not hold its bytes");
}

}  // namespace skerry::simulator
