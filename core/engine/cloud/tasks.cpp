#include "core/engine/cloud/tasks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/engine/cloud/authorization.hpp"
#include "core/engine/cloud/claims.hpp"

namespace skerry::engine::cloud {
namespace {

// What a message to a node may hold besides inline artifacts.
constexpr std::size_t kMaxTaskText = wire::kControlLimit - wire::kInlineBlobLimit - 4096;

// The names of a node's open tasks must fit into one greeting, with room to spare.
constexpr std::size_t kMaxOpenNames = wire::kControlLimit / 2;

// What a message to the cloud's own worker may hold, less what the worker's pool adds.
constexpr std::size_t kMaxLocalTask = wire::kLocalLimit - (std::size_t{1} << 20);

constexpr std::uint64_t kMaxVersion = std::uint64_t{1} << 53;  // exact in JSON

constexpr std::int64_t kMaxDeadlineMs = std::int64_t{10} * 365 * 24 * 3600 * 1000;  // ten years

// A workflow is a plugin: what it says is checked before it is stored.
Status check_digests(const std::string& task, const char* member, const Json& names) {
  if (!names.is_object())
    return fail(Code::invalid_argument,
                fmt::format("task {}: `{}` is {}; it must be an object of digests", task, member,
                            dump_json(names)));
  for (const auto& [name, digest] : names.items()) {
    if (digest.is_string() && Digest::from_hex(digest.get<std::string>())) continue;
    return fail(Code::invalid_argument,
                fmt::format("task {}: `{}.{}` is {}; it must be a digest of 64 hexadecimal digits",
                            task, member, name, dump_json(digest)));
  }
  return {};
}

// "/edge/0/filter" of "edge[0].filter".
std::string pointer_of(const std::string& slot) {
  std::string pointer = "/";
  for (const char c : slot) {
    if (c == ']') continue;
    pointer += c == '.' || c == '[' ? '/' : c;
  }
  return pointer;
}

void collect_artifacts(const Json& value, std::set<Digest>& found) {
  if (!value.is_structured()) return;
  if (value.is_object() && value.contains("$artifact") && value["$artifact"].is_string())
    if (const auto digest = Digest::from_hex(value["$artifact"].get<std::string>()))
      found.insert(*digest);
  for (const Json& each : value) collect_artifacts(each, found);
}

}  // namespace

std::optional<Tasks::Task> Tasks::load(const Job& job, const std::string& id) {
  auto row = unit_.sql(
      "SELECT node, kind, state, params, inputs, expects, deadline_ms, limits, serves, "
      "replica, slots FROM task WHERE job = ? AND id = ?");
  row.bind(1, job.id).bind(2, id);
  if (!must(row.step())) return std::nullopt;
  return Task{row.column_text(0),
              row.column_text(1),
              row.column_text(2),
              row.column_text(3),
              must(parse_json(row.column_text(4))),
              must(parse_json(row.column_text(5))),
              row.column_int(6),
              must(parse_json(row.column_text(7))),
              {static_cast<std::uint64_t>(row.column_int(8)),
               static_cast<std::uint32_t>(row.column_int(9))},
              must(parse_json(row.column_text(10)))};
}

bool Tasks::is_open(const Job& job, const std::string& id) {
  const auto task = load(job, id);
  return task && task->state == "open";
}

Result<Content> Tasks::content(const Digest& digest) {
  SKERRY_ASSIGN(auto blob, blobs_.find(digest));
  if (!blob)
    return fail(Code::not_found, fmt::format("artifact {} is not in the store", digest.hex()));
  return Content{std::move(blob->inline_data), std::move(blob->path)};
}

Status Tasks::start(Job& job, const Json& command) {
  const std::string id = command.at("task").get<std::string>();
  if (load(job, id)) return {};
  const Task task{
      command.at("node").get<std::string>(),
      command.at("kind").get<std::string>(),
      "open",
      dump_json(command.value("params", Json::object())),
      command.value("inputs", Json::object()),
      command.value("expects", Json::object()),
      std::clamp<std::int64_t>(command.value("deadline_ms", std::int64_t{0}), 0, kMaxDeadlineMs),
      command.value("limits", Json::object()),
      {std::min(command.value("serves", std::uint64_t{0}), kMaxVersion),
       command.value("replica", std::uint32_t{0})},
      command.value("slots", Json::array())};
  SKERRY_TRY(check_digests(id, "inputs", task.inputs));
  SKERRY_TRY(check_digests(id, "expects", task.expects));
  SKERRY_TRY(check_limits(id, task.limits));
  must(unit_
           .sql("INSERT INTO task(job, id, node, kind, state, message, params, inputs, expects, "
                "deadline_ms, limits, serves, replica, slots) VALUES(?, ?, ?, ?, 'open', '', ?, ?, "
                "?, ?, "
                "?, ?, ?, ?)")
           .bind(1, job.id)
           .bind(2, id)
           .bind(3, task.node)
           .bind(4, task.kind)
           .bind(5, task.params)
           .bind(6, dump_json(task.inputs))
           .bind(7, dump_json(task.expects))
           .bind(8, task.deadline_ms)
           .bind(9, dump_json(task.limits))
           .bind(10, task.serves.version)
           .bind(11, static_cast<std::uint64_t>(task.serves.replica))
           .bind(12, dump_json(task.slots))
           .run());
  if (task.serves) access_may_have_changed();
  for (const Json* needed : {&task.inputs, &task.expects})
    for (const auto& [name, hex] : needed->items())
      pin(job.id, id, must(Digest::from_hex(hex.get<std::string>())));
  SKERRY_FAILPOINT("cloud.task.recorded");
  // An operator says which models a service gets; a slip must not end it.
  if (const auto absent = task.serves ? absent_input(task) : std::nullopt) {
    failed(job, id, task, "invalid_argument", *absent);
    return {};
  }
  if (task.node == kCloudNode) return run_here(job, id, task);
  if (!is_active_node(unit_, task.node)) {
    failed(job, id, task, "lost",
           fmt::format("there is no node `{}`, or it was revoked", task.node));
    return {};
  }
  const auto open = open_on(task.node);
  const std::size_t names = std::accumulate(
      open.begin(), open.end(), std::size_t{0},
      [](std::size_t sum, const wire::TaskKey& key) { return sum + wire::encoded_size(key); });
  if (names > kMaxOpenNames) {
    failed(job, id, task, "unavailable",
           fmt::format("node `{}` has {} open tasks, and takes no more until some have ended",
                       task.node, open.size() - 1));
    return {};
  }
  return send_to_node(job, id, task);
}

std::optional<std::string> Tasks::absent_input(const Task& task) {
  for (const auto& [name, hex] : task.inputs.items())
    if (!must(blobs_.contains(must(Digest::from_hex(hex.get<std::string>())))))
      return fmt::format("input `{}`: the cloud has no artifact {}", name, hex.get<std::string>());
  return std::nullopt;
}

// What is in the configuration of the plugins that it uses. A model that it works from is an input.
std::set<Digest> Tasks::attachments_of(const Job& job, const Task& task) {
  if (task.slots.empty()) return job.shipped;
  const Json plan = must(parse_json(job.plan));
  std::set<Digest> needed;
  for (const Json& slot : task.slots) {
    const Json::json_pointer place("/spec" + pointer_of(slot.get<std::string>()));
    if (plan.contains(place)) collect_artifacts(plan.at(place), needed);
  }
  std::erase_if(needed, [&](const Digest& digest) { return !job.shipped.contains(digest); });
  return needed;
}

Status Tasks::send_to_node(Job& job, const std::string& id, const Task& task) {
  wire::StartTask message;
  message.key = {job.key, id};
  message.kind = task.kind;
  message.params = task.params;
  message.plan = job.plan;
  message.deadline_ms = static_cast<std::uint64_t>(task.deadline_ms);
  message.serves = task.serves;
  if (message.params.size() + message.plan.size() > kMaxTaskText) {
    return fail(
        Code::invalid_argument,
        fmt::format(
            "task {}: its parameters and the job take {} bytes; at most {} fit in a message", id,
            message.params.size() + message.plan.size(), kMaxTaskText));
  }
  std::size_t room = wire::kInlineBlobLimit;
  const auto attach = [&](std::vector<wire::Artifact>& list, const std::string& name,
                          const Digest& digest) -> Status {
    SKERRY_ASSIGN(const auto blob, blobs_.find(digest));
    if (!blob)
      return fail(Code::not_found,
                  fmt::format("task {}: artifact {} is not in the store", id, digest.hex()));
    wire::Artifact artifact{name, digest, blob->size, {}};
    if (blob->is_inline() && blob->size <= room) {
      room -= blob->size;
      artifact.inline_data = blob->inline_data;
    }
    list.push_back(std::move(artifact));
    return {};
  };
  for (const auto& [name, hex] : task.inputs.items()) {
    SKERRY_ASSIGN(const Digest digest, Digest::from_hex(hex.get<std::string>()));
    SKERRY_TRY(attach(message.inputs, name, digest));
  }
  for (const Digest& digest : attachments_of(job, task))
    SKERRY_TRY(attach(message.attachments, digest.hex(), digest));
  const std::size_t size = wire::encode(message).size() + wire::kHeaderSize;
  if (size > wire::kControlLimit) {
    return fail(
        Code::invalid_argument,
        fmt::format(
            "task {}: its message has {} bytes; at most {} can be sent: give it fewer inputs or "
            "shorter parameters",
            id, size, wire::kControlLimit));
  }
  const std::uint64_t seq = peers_.send(task.node, message);
  must(unit_.sql("UPDATE task SET downlink_seq = ? WHERE job = ? AND id = ?")
           .bind(1, seq)
           .bind(2, job.id)
           .bind(3, id)
           .run());
  return {};
}

Status Tasks::run_here(Job& job, const std::string& id, const Task& task) {
  wire::RunTask run;
  run.key = {job.key, id};
  run.node = kCloudNode;
  run.kind = task.kind;
  run.params = task.params;
  run.plan = job.plan;
  run.deadline_ms = static_cast<std::uint64_t>(task.deadline_ms);
  run.serves = task.serves;
  const auto add = [&](std::vector<wire::TaskInput>& list, const std::string& name,
                       const std::string& hex) -> Status {
    SKERRY_ASSIGN(const Digest digest, Digest::from_hex(hex));
    SKERRY_ASSIGN(Content bytes, content(digest));
    list.push_back({name, hex, bytes.path.string(), std::move(bytes.data)});
    return {};
  };
  for (const auto& [name, hex] : task.inputs.items())
    SKERRY_TRY(add(run.inputs, name, hex.get<std::string>()));
  for (const Digest& digest : attachments_of(job, task))
    SKERRY_TRY(add(run.attachments, digest.hex(), digest.hex()));
  if (const std::size_t size = wire::encode(run).size(); size > kMaxLocalTask) {
    return fail(
        Code::invalid_argument,
        fmt::format("task {}: it takes {} bytes to tell the cloud's worker about it; at most "
                    "{} can be sent: give it fewer inputs or shorter parameters",
                    id, size, kMaxLocalTask));
  }
  unit_.after_commit([this, run = std::move(run)]() mutable {
    if (disk_ != nullptr && disk_->low()) {
      waiting_for_space_.insert(run.key);
    } else {
      workers_.run(std::move(run));
    }
  });
  return {};
}

// Did the full disk make the task fail? Nobody can tell, but it may.
bool Tasks::wait_for_space(const wire::TaskKey& key) {
  if (disk_ == nullptr) return false;
  disk_->look();
  if (!disk_->low()) return false;
  waiting_for_space_.insert(key);
  return true;
}

void Tasks::disk_changed() {
  if (disk_->low()) return;
  const Unit::Scope scope(unit_);
  for (const wire::TaskKey& key : std::exchange(waiting_for_space_, {})) {
    Job* job = hooks_.find_job(key.job);
    const auto task = job != nullptr ? load(*job, key.task) : std::nullopt;
    if (!task || task->state != "open") continue;
    if (const auto started = run_here(*job, key.task, *task); !started)
      failed(*job, key.task, *task, "lost", started.error().text());
  }
}

void Tasks::restart_local(Job& job) {
  std::vector<std::string> ids;
  {
    auto select = unit_.sql(
        "SELECT id FROM task WHERE job = ? AND node = ? AND state = 'open' ORDER BY rowid");
    select.bind(1, job.id).bind(2, kCloudNode);
    while (must(select.step())) ids.push_back(select.column_text(0));
  }
  for (const std::string& id : ids) {
    auto task = load(job, id);
    if (SKERRY_PLANTED_BUG("forget-frozen-set") && task->inputs.size() > 2)
      task->inputs.erase(fmt::format("u{}", task->inputs.size() - 2));
    if (const auto started = run_here(job, id, *task); !started)
      failed(job, id, *task, "lost", started.error().text());
  }
}

void Tasks::close(Job& job, const std::string& id, const char* state, const std::string& message) {
  job.progress.erase(id);
  told_.erase({job.key, id});
  access_may_have_changed();
  must(unit_.sql("UPDATE task SET state = ?, message = ? WHERE job = ? AND id = ?")
           .bind(1, state)
           .bind(2, message)
           .bind(3, job.id)
           .bind(4, id)
           .run());
  unpin(job.id, id);
}

void Tasks::stop(Job& job, const std::string& id, const std::string& reason) {
  const auto task = load(job, id);
  if (!task || task->state != "open") return;
  close(job, id, "stopped", reason);
  const wire::TaskKey key{job.key, id};
  if (task->node == kCloudNode) {
    unit_.after_commit([this, key] { workers_.cancel(key); });
  } else {
    peers_.send(task->node, wire::StopTask{key, reason});
  }
}

void Tasks::end(Job& job) {
  must(unit_
           .sql("UPDATE task SET state = 'stopped', message = 'the job ended' WHERE job = ? AND "
                "state = 'open'")
           .bind(1, job.id)
           .run());
  unpin_all(job.id);
  job.progress.clear();
  access_may_have_changed();
  std::vector<std::string> nodes;
  {
    auto select = unit_.sql("SELECT DISTINCT node FROM task WHERE job = ? AND node != ?");
    select.bind(1, job.id).bind(2, kCloudNode);
    while (must(select.step())) nodes.push_back(select.column_text(0));
  }
  for (const std::string& node : nodes) peers_.send(node, wire::ForgetJob{job.key});
}

std::vector<wire::TaskKey> Tasks::open_on(const std::string& node) {
  std::vector<wire::TaskKey> keys;
  auto select = unit_.sql(
      "SELECT job.name || '.' || job.id, task.id FROM task JOIN job ON job.id = task.job WHERE "
      "task.node = ? AND task.state = 'open'");
  select.bind(1, node);
  while (must(select.step())) keys.push_back({select.column_text(0), select.column_text(1)});
  return keys;
}

void Tasks::reconcile(const std::string& node, const std::vector<wire::TaskKey>& has,
                      std::uint64_t acked) {
  for (const wire::TaskKey& key : open_on(node)) {
    if (std::find(has.begin(), has.end(), key) != has.end()) continue;
    Job* job = hooks_.find_job(key.job);
    auto sent = unit_.sql("SELECT downlink_seq FROM task WHERE job = ? AND id = ?");
    sent.bind(1, job->id).bind(2, key.task);
    if (!must(sent.step()) || static_cast<std::uint64_t>(sent.column_int(0)) > acked)
      continue;  // on its way
    failed(*job, key.task, *load(*job, key.task), "lost",
           fmt::format("node {} came back without it", node));
  }
}

void Tasks::abandon(const std::string& node, const std::string& reason) {
  for (const wire::TaskKey& key : open_on(node)) {
    Job* job = hooks_.find_job(key.job);
    failed(*job, key.task, *load(*job, key.task), "lost", reason);
  }
}

// A node may ask the service of a job that it serves itself.
void Tasks::publish_access() {
  access_changed_ = false;
  std::set<std::pair<std::string, std::string>> allowed;
  auto select = unit_.sql(
      "SELECT task.node, job.name || '.' || job.id FROM task JOIN job ON job.id = task.job WHERE "
      "task.state = 'open' AND task.serves > 0");
  while (must(select.step())) allowed.emplace(select.column_text(0), select.column_text(1));
  if (allowed != access_) hooks_.access(access_ = std::move(allowed));
}

void Tasks::access_may_have_changed() {
  if (std::exchange(access_changed_, true)) return;
  unit_.after_commit([this] { publish_access(); });
}

Json Tasks::loaded_plugins(const Job& job) {
  Json list = Json::array();
  auto plugins = unit_.sql("SELECT plugin FROM loaded WHERE job = ? ORDER BY plugin");
  plugins.bind(1, job.id);
  while (must(plugins.step())) list.push_back(plugins.column_text(0));
  return list;
}

}  // namespace skerry::engine::cloud
