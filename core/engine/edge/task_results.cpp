// From a worker's answer to a message in the outbox.
#include <fmt/format.h>

#include <algorithm>

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/engine/collector.hpp"
#include "core/engine/edge/tasks.hpp"
#include "core/engine/worker_outputs.hpp"

namespace skerry::engine::edge {
namespace {

constexpr auto kStoreAgain = std::chrono::milliseconds(500);
constexpr std::size_t kMaxMessage = 8 * 1024;  // of a failure, for people

}  // namespace

void Tasks::done(wire::TaskDone done) {
  at_workers_.erase(done.key);
  Active* task = find(done.key);
  if (task == nullptr) return;
  // The answer for a task that was stopped, and has been started anew since.
  if (task->step == Step::waiting) return prepare(*task);
  if (task->step != Step::running) return;
  SKERRY_FAILPOINT("edge.result.received");
  const wire::TaskKey key = done.key;
  if (!done.ok) {
    if (wait_for_space(*task)) return;
    const Unit::Scope scope(unit_);
    return report_failure(key, done.code, done.field, done.message);
  }
  task->timing.run = done.run_seconds;
  task->timing.cpu = done.cpu_seconds;
  task->timing.queue = std::max(0.0, seconds(*task) - done.run_seconds);
  wire::TaskFinished result;
  result.key = key;
  result.plan = digest_of(as_bytes(task->message.plan));
  for (const auto& input : task->message.inputs) result.inputs[input.name] = input.digest;
  result.metrics = std::move(done.metrics);
  result.result = std::move(done.result);
  result.timing = task->timing;
  result.bytes_down = task->bytes_down;
  std::vector<wire::TaskOutput> files;
  std::size_t room = wire::kInlineBlobLimit;
  for (auto& output : done.outputs) {
    wire::Artifact artifact{output.name, output.digest, output.size, {}};
    if (output.path.empty() && output.data.size() <= room) {
      room -= output.data.size();
      result.bytes_up += output.data.size();
      artifact.inline_data = std::move(output.data);
    } else {
      files.push_back(output);
    }
    result.outputs.push_back(std::move(artifact));
  }
  if (files.empty()) {
    const Unit::Scope scope(unit_);
    return keep(key, result);
  }
  std::vector<store::BlobStore::Claim> claims;
  for (const auto& file : files) claims.push_back(blobs_.claim(file.digest));
  examiner_.examine(
      {},
      [this, files]() -> Status {
        for (const auto& file : files) {
          if (file.path.empty()) continue;
          SKERRY_TRY(check_file_of(file));
          SKERRY_TRY(blobs_.prepare_file(file.path, file.digest, file.size));
        }
        return {};
      },
      [this, key, files, claims, result = std::move(result)](const Verdict& verdict) {
        Active* made = find(key);
        if (made == nullptr) {
          for (const auto& file : files)  // once the claims are let go of
            loop_.post([this, digest = file.digest] { free_file(loop_, blobs_, digest); });
          return;
        }
        const Unit::Scope scope(unit_);
        if (!verdict.ok && wait_for_space(*made)) return;
        if (!verdict.ok) return report_failure(key, "data_loss", "", verdict.message);
        for (const auto& file : files) {
          const Status stored = file.path.empty() ? blobs_.put(as_bytes(file.data), file.digest)
                                                  : blobs_.record(file.digest, file.size);
          if (!done_unless(Code::not_found, stored)) {
            return report_failure(key, "data_loss", "",
                                  "an output was given up while it was stored");
          }
          hold(key.job, file.digest);
        }
        keep(key, result);
      });
}

// The work is done and durable; what is left is to bring it to the cloud.
void Tasks::keep(const wire::TaskKey& key, const wire::TaskFinished& result) {
  Active& task = *find(key);
  task.result = result;
  const bool whole =
      std::all_of(result.outputs.begin(), result.outputs.end(),
                  [](const auto& output) { return output.size == output.inline_data.size(); });
  if (whole) return report(key);
  enter(task, Step::finished);
  must(unit_.sql("UPDATE task SET state = 'storing', result = ? WHERE job = ? AND id = ?")
           .bind(1, as_bytes(wire::encode(result)))
           .bind(2, key.job)
           .bind(3, key.task)
           .run());
  SKERRY_FAILPOINT("edge.result.kept");
  unit_.after_commit([this, key] {
    Active* stored = find(key);
    if (stored != nullptr && bulk_ != nullptr) store_outputs(*stored);
  });
}

void Tasks::store_outputs(Active& task) {
  enter(task, Step::storing);
  const wire::TaskKey key = task.message.key;
  std::map<Digest, wire::Artifact> outputs;  // two of the same bytes travel once
  for (const auto& output : task.result.outputs)
    if (output.inline_data.size() != output.size) outputs.emplace(output.digest, output);
  task.transfers = static_cast<int>(outputs.size());
  for (const auto& [digest, output] : outputs) {
    const auto blob = must(blobs_.find(output.digest));
    if (!blob) {
      const Unit::Scope scope(unit_);
      return report_failure(key, "data_loss", "",
                            fmt::format("output `{}` is gone from the store", output.name));
    }
    const auto finish = [this, key](Result<std::uint64_t> moved) {
      loop_.post(
          [this, key, moved = std::move(moved)]() mutable { stored(key, std::move(moved)); });
    };
    if (blob->is_inline()) {
      bulk_->put_bytes(output.digest, blob->inline_data, finish);
    } else {
      bulk_->put(output.digest, blob->path, blob->size, finish);
    }
  }
}

void Tasks::stored(const wire::TaskKey& key, Result<std::uint64_t> moved) {
  Active* task = find(key);
  if (task == nullptr || task->step != Step::storing) return;
  if (!moved && moved.error().code == Code::cancelled) return;
  if (!moved &&
      (moved.error().code == Code::already_exists || moved.error().code == Code::unavailable))
    return store_later(*task);
  const Unit::Scope scope(unit_);
  if (!moved && moved.error().code == Code::invalid_argument)
    return report_failure(key, "rejected.size", "", moved.error().message);
  if (!moved)
    return report_failure(
        key, "unavailable", "",
        fmt::format("cannot store the result in the cloud: {}", moved.error().text()));
  task->result.bytes_up += *moved;
  if (--task->transfers > 0) return;
  SKERRY_FAILPOINT("edge.result.stored");
  task->result.timing.upload = seconds(*task);
  report(key);
}

// Another task brings the same bytes just now, or the cloud's disk is full: both pass.
void Tasks::store_later(Active& task) {
  enter(task, Step::finished);
  task.again = loop_.after(kStoreAgain, [this, key = task.message.key] {
    Active* later = find(key);
    if (later != nullptr && later->step == Step::finished && bulk_ != nullptr)
      store_outputs(*later);
  });
}

// ---- results

void Tasks::report(const wire::TaskKey& key) {
  Active& task = *find(key);
  if (const std::size_t size = wire::encode(task.result).size() + wire::kHeaderSize;
      size > wire::kControlLimit) {
    return report_failure(key, "invalid_argument", "",
                          fmt::format("the task's result, metrics and small outputs take {} bytes; "
                                      "at most {} can be sent: write large "
                                      "outputs as artifacts",
                                      size, wire::kControlLimit));
  }
  link_.send(task.result);
  must(unit_.sql("UPDATE task SET state = 'reported', result = NULL WHERE job = ? AND id = ?")
           .bind(1, key.job)
           .bind(2, key.task)
           .run());
  active_.erase(key);
  SKERRY_FAILPOINT("edge.result.reported");
}

void Tasks::report_failure(const wire::TaskKey& key, const std::string& code,
                           const std::string& field, const std::string& message) {
  log_warn(fmt::format("job {}: task {} failed: {} ({})", key.job, key.task, message, code));
  link_.send(
      wire::TaskFailed{key, code, field.substr(0, kMaxMessage), message.substr(0, kMaxMessage)});
  must(unit_.sql("UPDATE task SET state = 'reported', result = NULL WHERE job = ? AND id = ?")
           .bind(1, key.job)
           .bind(2, key.task)
           .run());
  active_.erase(key);
}

}  // namespace skerry::engine::edge
