#include "core/engine/edge/tasks.hpp"
#include "core/engine/collector.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"

namespace skerry::engine::edge {
namespace {

constexpr auto kReportEvery = std::chrono::milliseconds(250);

std::uint64_t bytes_of(const std::vector<wire::Artifact>& artifacts) {
  std::uint64_t bytes = 0;
  for (const auto& artifact : artifacts) bytes += artifact.inline_data.size();
  return bytes;
}

}  // namespace

Tasks::Active* Tasks::find(const wire::TaskKey& key) {
  const auto it = active_.find(key);
  return it == active_.end() ? nullptr : it->second.get();
}

void Tasks::enter(Active& task, Step step) {
  task.step = step;
  task.since = loop_.now();
}

double Tasks::seconds(const Active& task) const {
  return std::chrono::duration<double>(loop_.now() - task.since).count();
}

void Tasks::set_bulk(wire::BlobTransfers* bulk) {
  const bool same = bulk == bulk_;
  bulk_ = bulk;
  if (same) return;
  // What the old client had under way is cancelled with it.
  fetches_.clear();
  std::vector<wire::TaskKey> keys;
  for (auto& [key, task] : active_) {
    if (task->step == Step::fetching) enter(*task, Step::waiting);
    if (task->step == Step::storing) enter(*task, Step::finished);
    keys.push_back(key);
  }
  if (bulk_ == nullptr) return;
  for (const auto& key : keys) {
    Active* task = find(key);
    if (task != nullptr && task->step == Step::waiting)
      prepare(*task);
    else if (task != nullptr && task->step == Step::finished)
      store_outputs(*task);
  }
}

void Tasks::recover() {
  struct Row {
    std::string state, message, result;
  };
  std::vector<Row> rows;
  {
    auto select = unit_.sql(
        "SELECT state, message, result FROM task WHERE state != 'reported' ORDER BY rowid");
    while (must(select.step()))
      rows.push_back({select.column_text(0), select.column_blob(1), select.column_blob(2)});
  }
  std::vector<wire::TaskKey> waiting;
  for (const Row& row : rows) {
    auto message = must(wire::decode<wire::StartTask>(as_bytes(row.message)));
    const wire::TaskKey key = message.key;
    auto task = std::make_unique<Active>();
    task->message = std::move(message);
    task->since = loop_.now();
    Active& active = *(active_[key] = std::move(task));
    log_info(fmt::format("job {}: task {} goes on", key.job, key.task));
    if (row.state == "storing") {
      active.result = must(wire::decode<wire::TaskFinished>(as_bytes(row.result)));
      active.step = Step::finished;
    } else {
      waiting.push_back(key);
    }
  }
  workers_.keep_only(jobs());
  // Only now: a task that runs gives up blobs that no task of its job needs, and must know of them
  // all.
  for (const auto& key : waiting)
    if (Active* task = find(key)) prepare(*task);
}

std::set<std::string> Tasks::jobs() {
  std::set<std::string> jobs;
  auto select = unit_.sql("SELECT job FROM job");
  while (must(select.step())) jobs.insert(select.column_text(0));
  return jobs;
}

// ---- from the cloud

void Tasks::start(wire::StartTask message) {
  const wire::TaskKey key = message.key;
  auto known = unit_.sql("SELECT 1 FROM task WHERE job = ? AND id = ?");
  known.bind(1, key.job).bind(2, key.task);
  if (must(known.step())) return;
  must(unit_.sql("INSERT INTO task(job, id, state, message) VALUES(?, ?, 'waiting', ?)")
           .bind(1, key.job)
           .bind(2, key.task)
           .bind(3, as_bytes(wire::encode(message)))
           .run());
  must(unit_.sql("INSERT OR IGNORE INTO job(job) VALUES(?)").bind(1, key.job).run());
  auto task = std::make_unique<Active>();
  task->message = std::move(message);
  task->since = loop_.now();
  active_[key] = std::move(task);
  SKERRY_FAILPOINT("edge.task.recorded");
  unit_.after_commit([this, key] {
    if (Active* started = find(key)) prepare(*started);
  });
}

void Tasks::stop(const wire::StopTask& message) {
  if (find(message.key) == nullptr) return;  // reported already, or never here
  log_info(fmt::format("job {}: task {} is stopped: {}", message.key.job, message.key.task,
                       message.reason));
  drop(message.key);
}

void Tasks::keep_only(const std::vector<wire::TaskKey>& awaited) {
  std::vector<wire::TaskKey> unwanted;
  for (const auto& [key, task] : active_)
    if (std::find(awaited.begin(), awaited.end(), key) == awaited.end()) unwanted.push_back(key);
  for (const auto& key : unwanted) {
    log_info(fmt::format("job {}: task {} is stopped: the cloud does not wait for it any more",
                         key.job, key.task));
    drop(key);
  }
}

void Tasks::drop(const wire::TaskKey& key) {
  cancel_transfers(key);
  active_.erase(key);
  must(unit_.sql("DELETE FROM task WHERE job = ? AND id = ? AND state != 'reported'")
           .bind(1, key.job)
           .bind(2, key.task)
           .run());
  unit_.after_commit([this, key] { workers_.cancel(key); });
}

void Tasks::cancel_transfers(const wire::TaskKey& key) {
  for (auto it = fetches_.begin(); it != fetches_.end();) {
    std::erase(it->second, key);
    if (!it->second.empty()) {
      ++it;
      continue;
    }
    bulk_->cancel_get(it->first);
    it = fetches_.erase(it);
  }
  // Another task that brings the same bytes waits for its turn: see store_later().
  const Active* task = find(key);
  if (task == nullptr || task->step != Step::storing) return;
  for (const auto& output : task->result.outputs)
    if (output.inline_data.size() != output.size) bulk_->cancel_put(output.digest);
}

void Tasks::refused(const wire::TaskRefused& refusal) {
  log_warn(fmt::format("job {}: the cloud refused task {}: {} ({})", refusal.key.job,
                       refusal.key.task, refusal.message, refusal.code));
}

void Tasks::forget(const std::string& job) {
  std::vector<wire::TaskKey> keys;
  for (const auto& [key, task] : active_)
    if (key.job == job) keys.push_back(key);
  for (const auto& key : keys) drop(key);
  release(job, {});
  must(unit_.sql("DELETE FROM job WHERE job = ?").bind(1, job).run());
  unit_.after_commit([this, job] {
    workers_.forget(job);
    std::erase_if(at_workers_, [&](const wire::TaskKey& key) { return key.job == job; });
  });
}

// The cloud has the result: its outputs are not needed here any more.
void Tasks::delivered(const wire::TaskKey& key) {
  must(unit_.sql("DELETE FROM task WHERE job = ? AND id = ? AND state = 'reported'")
           .bind(1, key.job)
           .bind(2, key.task)
           .run());
  unit_.after_commit([this] { resume(); });
}

// Those that waited for room in the outbox.
void Tasks::resume() {
  std::vector<wire::TaskKey> waiting;
  for (const auto& [key, task] : active_)
    if (task->step == Step::waiting) waiting.push_back(key);
  for (const auto& key : waiting)
    if (Active* task = find(key); task != nullptr && task->step == Step::waiting) prepare(*task);
}

std::vector<wire::TaskKey> Tasks::keys() {
  std::vector<wire::TaskKey> keys;
  auto select = unit_.sql("SELECT job, id FROM task ORDER BY state = 'reported', rowid");
  while (must(select.step())) keys.push_back({select.column_text(0), select.column_text(1)});
  return keys;
}

// ---- inputs

// Artifacts that did not come inside the message.
std::vector<const wire::Artifact*> Tasks::needs(const wire::StartTask& message) {
  std::vector<const wire::Artifact*> list;
  for (const auto* artifacts : {&message.inputs, &message.attachments})
    for (const auto& artifact : *artifacts)
      if (artifact.inline_data.size() != artifact.size) list.push_back(&artifact);
  return list;
}

bool Tasks::needs(const Digest& digest) {
  return std::any_of(active_.begin(), active_.end(), [&](const auto& entry) {
    const auto list = needs(entry.second->message);
    return std::any_of(list.begin(), list.end(),
                       [&](const wire::Artifact* artifact) { return artifact->digest == digest; });
  });
}

void Tasks::prepare(Active& task) {
  if (at_workers_.contains(task.message.key)) return;  // done() comes back here
  if (link_.full()) return;                            // delivered() comes back here
  if (disk_ != nullptr && disk_->low()) return;        // and the disk's change
  std::vector<wire::Artifact> missing;
  {
    // What another job brought here would go with that job.
    const Unit::Scope scope(unit_);
    for (const wire::Artifact* artifact : needs(task.message)) {
      if (must(blobs_.contains(artifact->digest))) {
        hold(task.message.key.job, artifact->digest);
      } else {
        missing.push_back(*artifact);
      }
    }
  }
  if (!missing.empty() && bulk_ == nullptr) return;  // set_bulk() comes back here
  task.bytes_down = bytes_of(task.message.inputs) + bytes_of(task.message.attachments);
  task.transfers = static_cast<int>(missing.size());
  task.step = Step::fetching;
  if (missing.empty()) return run(task);
  for (const auto& artifact : missing) fetch(task.message.key, artifact);
}

// Did the full disk make it fail? Nobody can tell, but it may.
bool Tasks::wait_for_space(Active& task) {
  if (disk_ == nullptr) return false;
  disk_->look();
  if (!disk_->low()) return false;
  enter(task, Step::waiting);
  return true;
}

void Tasks::fetch(const wire::TaskKey& key, const wire::Artifact& artifact) {
  auto& waiting = fetches_[artifact.digest];
  waiting.push_back(key);
  if (waiting.size() > 1) return;  // on its way already
  const auto file = downloads_ / artifact.digest.hex();
  bulk_->get(artifact.digest, file, [this, artifact, file](Result<std::uint64_t> moved) {
    loop_.post([this, artifact, file, moved = std::move(moved)]() mutable {
      fetched(artifact, file, std::move(moved));
    });
  });
}

void Tasks::fetched(const wire::Artifact& artifact, const std::filesystem::path& file,
                    Result<std::uint64_t> moved) {
  if (!moved && moved.error().code == Code::cancelled) return;
  if (!moved)
    return arrived(
        artifact, 0,
        {false, moved.error().code == Code::data_loss ? "data_loss" : "unavailable",
         fmt::format("cannot fetch input `{}`: {}", artifact.name, moved.error().text())});
  const auto claim = blobs_.claim(artifact.digest);
  examiner_.examine(
      {},
      [this, file, artifact] { return blobs_.prepare_file(file, artifact.digest, artifact.size); },
      [this, artifact, claim, moved = *moved](const Verdict& verdict) {
        arrived(artifact, moved, verdict);
      });
}

void Tasks::arrived(const wire::Artifact& artifact, std::uint64_t moved, const Verdict& verdict) {
  const auto node = fetches_.extract(artifact.digest);
  if (node.empty()) {  // nobody waits any more
    loop_.post([this, digest = artifact.digest] { free_file(loop_, blobs_, digest); });
    return;
  }
  const Unit::Scope scope(unit_);
  const bool recorded =
      verdict.ok && done_unless(Code::not_found, blobs_.record(artifact.digest, artifact.size));
  for (const wire::TaskKey& key : node.mapped()) {
    Active* task = find(key);
    if (task == nullptr) continue;
    if (!recorded) {
      if (wait_for_space(*task)) continue;
      report_failure(key, verdict.ok ? "data_loss" : verdict.code, "",
                     verdict.ok ? "an input was given up while it was stored" : verdict.message);
      continue;
    }
    hold(key.job, artifact.digest);
    SKERRY_FAILPOINT("edge.input.recorded");
    task->bytes_down += std::exchange(moved, 0);
    if (--task->transfers > 0) continue;
    unit_.after_commit([this, key] {
      if (Active* ready = find(key)) run(*ready);
    });
  }
}

void Tasks::run(Active& task) {
  const wire::StartTask& message = task.message;
  wire::RunTask run;
  run.key = message.key;
  run.node = link_.cloud().node;
  run.kind = message.kind;
  run.params = message.params;
  run.plan = message.plan;
  run.deadline_ms = message.deadline_ms;
  run.serves = message.serves;
  std::vector<Digest> in_use;
  const auto add = [&](std::vector<wire::TaskInput>& list, const wire::Artifact& artifact,
                       const std::string& name) {
    in_use.push_back(artifact.digest);
    wire::TaskInput input{name, artifact.digest.hex(), {}, artifact.inline_data};
    if (artifact.inline_data.size() != artifact.size) {
      auto blob = must(blobs_.find(artifact.digest));
      if (blob) {
        input.path = blob->path.string();
        input.data = std::move(blob->inline_data);
      }
    }
    list.push_back(std::move(input));
  };
  for (const auto& artifact : message.inputs) add(run.inputs, artifact, artifact.name);
  for (const auto& artifact : message.attachments)
    add(run.attachments, artifact, artifact.digest.hex());
  task.timing.download = seconds(task);
  enter(task, Step::running);
  {
    const Unit::Scope scope(unit_);
    release(message.key.job, in_use);
  }
  at_workers_.insert(message.key);
  workers_.run(std::move(run));
}

void Tasks::progress(const wire::TaskProgress& progress) {
  Active* task = find(progress.key);
  if (task == nullptr || (task->reported && loop_.now() - *task->reported < kReportEvery)) return;
  task->reported = loop_.now();
  link_.report({progress.key, progress.progress, progress.metrics});
}

// ---- blobs

void Tasks::hold(const std::string& job, const Digest& digest) {
  must(unit_.sql("INSERT OR IGNORE INTO held(job, digest) VALUES(?, ?)")
           .bind(1, job)
           .bind(2, digest)
           .run());
}

// Gives up the job's blobs but those in `keep` and those that open tasks still use or bring to the
// cloud.
void Tasks::release(const std::string& job, const std::vector<Digest>& keep) {
  std::vector<Digest> kept = keep;
  for (const auto& [key, task] : active_) {
    if (key.job != job) continue;
    for (const wire::Artifact* artifact : needs(task->message)) kept.push_back(artifact->digest);
    for (const auto& output : task->result.outputs) kept.push_back(output.digest);
  }
  std::vector<Digest> held;
  {
    auto select = unit_.sql("SELECT digest FROM held WHERE job = ?");
    select.bind(1, job);
    while (must(select.step())) held.push_back(must(select.column_digest(0)));
  }
  for (const Digest& digest : held) {
    if (std::find(kept.begin(), kept.end(), digest) != kept.end()) continue;
    must(unit_.sql("DELETE FROM held WHERE job = ? AND digest = ?")
             .bind(1, job)
             .bind(2, digest)
             .run());
    auto other = unit_.sql("SELECT 1 FROM held WHERE digest = ? LIMIT 1");
    other.bind(1, digest);
    if (must(other.step())) continue;
    must(blobs_.forget(digest));
    SKERRY_FAILPOINT("edge.blob.forgotten");
    unit_.after_commit([this, digest] { free_file(loop_, blobs_, digest); });
  }
}

}  // namespace skerry::engine::edge
