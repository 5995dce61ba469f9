// What becomes of a task: examined, then counted once, or refused with a code.
#include <fmt/format.h>

#include <cmath>

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/engine/cloud/authorization.hpp"
#include "core/engine/cloud/claims.hpp"
#include "core/engine/cloud/tasks.hpp"
#include "core/engine/collector.hpp"
#include "core/engine/worker_outputs.hpp"

namespace skerry::engine::cloud {
namespace {

constexpr auto kTellEvery = std::chrono::seconds(5);
constexpr std::size_t kMostUndecided = 256;  // events

}  // namespace

// ---- from nodes

void Tasks::remote_message(const std::string& node, const wire::Received& message,
                           std::function<void()> done) {
  if (message.header.type == wire::Type::task_finished) {
    auto finished = wire::decode<wire::TaskFinished>(message.payload());
    if (finished) return remote_finished(node, std::move(*finished), std::move(done));
    return remote_malformed(node, message, finished.error(), done);
  }
  const auto failed = wire::decode<wire::TaskFailed>(message.payload());
  if (failed) return remote_failed(node, *failed, std::move(done));
  remote_malformed(node, message, failed.error(), done);
}

// It would be as malformed if it came again: it is counted, and whoever waits for it is told.
void Tasks::remote_malformed(const std::string& node, const wire::Received& message,
                             const Problem& problem, const std::function<void()>& done) {
  const Unit::Scope scope(unit_);
  const Verdict verdict{false, "rejected.malformed", problem.text(), {}};
  const auto key = wire::readable_key(message.header.type, message.payload());
  if (!key) {
    note_refusal(node, {}, verdict);
  } else if (may(node, message.header.type, *key)) {
    Job* job = hooks_.find_job(key->job);
    const auto task = job != nullptr ? load(*job, key->task) : std::nullopt;
    const auto unwanted = not_awaited(task);
    refuse(node, *key, unwanted ? *unwanted : verdict);
    if (!unwanted) failed(*job, key->task, *task, verdict.code, verdict.message);
  }
  done();
}

bool Tasks::may(const std::string& node, wire::Type type, const wire::TaskKey& key) {
  const auto may = authorize(unit_, {Role::node, node}, {.type = type, .task = &key});
  if (!may) refuse(node, key, {false, "forbidden", may.error().message, {}});
  return may.has_value();
}

void Tasks::remote_failed(const std::string& node, const wire::TaskFailed& what,
                          std::function<void()> done) {
  if (const Unit::Scope scope(unit_); !may(node, wire::TaskFailed::type, what.key)) return done();
  const auto conclude = [this, node, what, done = std::move(done)](const std::string& found) {
    const Unit::Scope scope(unit_);
    Job* job = hooks_.find_job(what.key.job);
    const auto task = job != nullptr ? load(*job, what.key.task) : std::nullopt;
    if (task && task->state == "open") {
      failed(*job, what.key.task, *task, what.code,
             (what.field.empty() ? what.message : fmt::format("{}: {}", what.field, what.message)) +
                 found);
    }
    done();
  };
  Job* job = hooks_.find_job(what.key.job);
  const auto task = job != nullptr ? load(*job, what.key.task) : std::nullopt;
  if (!task || what.code != "data_loss") return conclude("");
  // The node was sent bytes that are not what they should be: is a file of ours damaged?
  const auto damaged = std::make_shared<std::string>();
  loop_.aside(
      [damaged, files = files_of(*job, *task)] {
        for (const auto& file : files)
          if (const auto whole = store::BlobStore::check_file(file); !whole)
            *damaged += "; " + whole.error().text();
      },
      [damaged, conclude, node] {
        if (!damaged->empty())
          log_error(fmt::format("node {} was sent damaged bytes{}", node, *damaged));
        conclude(*damaged);
      });
}

// What the task reads from files of the store.
std::vector<store::BlobRef> Tasks::files_of(const Job& job, const Task& task) {
  std::vector<store::BlobRef> files;
  const auto add = [&](const Digest& digest) {
    auto blob = must(blobs_.find(digest));
    if (blob && !blob->is_inline()) files.push_back(std::move(*blob));
  };
  for (const auto& [name, hex] : task.inputs.items())
    add(must(Digest::from_hex(hex.get<std::string>())));
  for (const Digest& digest : job.shipped) add(digest);
  return files;
}

void Tasks::remote_finished(const std::string& node, wire::TaskFinished what,
                            std::function<void()> done) {
  if (const Unit::Scope scope(unit_); !may(node, wire::TaskFinished::type, what.key)) return done();
  Job* job = hooks_.find_job(what.key.job);
  const auto task = job != nullptr ? load(*job, what.key.task) : std::nullopt;
  if (const auto unwanted = not_awaited(task)) {
    const Unit::Scope scope(unit_);
    refuse(node, what.key, *unwanted);
    return done();
  }
  auto list = look_over(*job, *task, what);
  SKERRY_FAILPOINT("cloud.result.received");
  const auto conclude = [this, node, what = std::move(what),
                         done = std::move(done)](const Verdict& verdict) {
    const Unit::Scope scope(unit_);
    count_or_refuse(node, what, verdict);
    done();
  };
  if (!list) return conclude(list.error());
  examiner_.examine(std::move(*list), nullptr, conclude);
}

// The checks that cost little, in the order of docs/workflows.md, up to the first that fails; those
// of the values are left to the examiner.
tl::expected<std::vector<Exhibit>, Verdict> Tasks::look_over(const Job& job, const Task& task,
                                                             const wire::TaskFinished& what) {
  if (Verdict claims = check_claims(job.plan, task.inputs, what); !claims.ok)
    return tl::unexpected(std::move(claims));
  std::map<std::string, Content> outputs;
  for (const auto& output : what.outputs) {
    auto found = output.inline_data.size() == output.size
                     ? Result<Content>(Content{output.inline_data, {}})
                     : content(output.digest);
    if (!found)
      return tl::unexpected(Verdict{
          false, "rejected.missing", fmt::format("output `{}` did not arrive", output.name), {}});
    outputs[output.name] = std::move(*found);
  }
  auto list = exhibits(job, what.key.task, task, outputs, what.result);
  if (!list) return list;
  if (Verdict sizes = check_sizes(*list); !sizes.ok) return tl::unexpected(std::move(sizes));
  if (Verdict form = check_form(what); !form.ok) return tl::unexpected(std::move(form));
  return list;
}

// Time has passed since the checks began: somebody else may have closed the task.
void Tasks::count_or_refuse(const std::string& node, const wire::TaskFinished& what,
                            const Verdict& verdict) {
  Job* job = hooks_.find_job(what.key.job);
  const auto task = job != nullptr ? load(*job, what.key.task) : std::nullopt;
  const auto unwanted = not_awaited(task);
  if (unwanted || !verdict.ok) {
    refuse(node, what.key, unwanted ? *unwanted : verdict);
    if (!unwanted) failed(*job, what.key.task, *task, verdict.code, verdict.message);
    return discard(what, verdict);
  }
  for (const auto& output : what.outputs)
    if (output.inline_data.size() == output.size && !verdict.clipped.contains(output.name))
      must(blobs_.put(as_bytes(output.inline_data), output.digest));
  finished(*job, what.key.task, *task, what, verdict);
  SKERRY_FAILPOINT("cloud.result.recorded");
}

void Tasks::remote_progress(const std::string& node, const wire::TaskReported& report) {
  if (!authorize(unit_, {Role::node, node}, {.type = report.type, .task = &report.key})) return;
  Job* job = hooks_.find_job(report.key.job);
  if (job == nullptr) return;
  reported(*job, report.key.task, report.progress, report.metrics);
}

// The workflow hears of tasks that serve, which may never end. One that has enough to decide hears
// the next time.
void Tasks::reported(Job& job, const std::string& id, double progress,
                     const std::map<std::string, double>& metrics) {
  const auto task = load(job, id);
  if (!task || task->state != "open") return;
  job.progress[id] = progress;
  hooks_.changed(job);
  if (!task->serves || job.undecided.size() >= kMostUndecided) return;
  auto& told = told_[{job.key, id}];
  const auto now = loop_.now();
  if (told != Loop::Clock::time_point{} && now - told < kTellEvery) return;
  told = now;
  const Unit::Scope scope(unit_);
  hooks_.post(job, {{"type", "TaskReported"},
                    {"task", id},
                    {"node", task->node},
                    {"kind", task->kind},
                    {"metrics", metrics}});
}

// Told to the node and, now and then, to the log and the audit log.
void Tasks::refuse(const std::string& node, const wire::TaskKey& key, const Verdict& verdict) {
  note_refusal(node, key, verdict);
  peers_.tell(node, {key, verdict.code, verdict.message});
}

// Why a result for this task changes nothing; none: it is awaited.
std::optional<Verdict> Tasks::not_awaited(const std::optional<Task>& task) {
  if (!task) return Verdict{false, "stale", "the cloud has no such task any more", {}};
  if (task->state == "finished")
    return Verdict{false, "duplicate", "the cloud has this task's result already", {}};
  if (task->state != "open")
    return Verdict{false, "stale", "the cloud does not wait for this task any more", {}};
  return std::nullopt;
}

// Nobody will want the outputs, or what was put in their place.
void Tasks::discard(const wire::TaskFinished& what, const Verdict& verdict) {
  for (const auto& output : what.outputs) drop_unless_held(output.digest);
  for (const auto& [name, clipped] : verdict.clipped) drop_unless_held(clipped.digest);
}

// key: empty when nobody can tell which task it was about.
void Tasks::note_refusal(const std::string& node, const wire::TaskKey& key,
                         const Verdict& verdict) {
  const auto left_out = refusals_.admit(node, loop_.now());
  if (!left_out) return;
  log_warn(fmt::format("job {}: task {} of node {} is refused: {}: {}", key.job, key.task, node,
                       verdict.code, verdict.message));
  Json details{{"code", verdict.code},
               {"job", key.job},
               {"task", key.task},
               {"message", verdict.message.substr(0, 1000)}};
  if (*left_out > 0) details["leftOut"] = *left_out;
  audit(unit_, actor_node(node), "update.refused", node, details);
}

// ---- from the cloud's own workers

void Tasks::local_progress(const wire::TaskProgress& progress) {
  Job* job = hooks_.find_job(progress.key.job);
  if (job == nullptr || !is_open(*job, progress.key.task)) return;
  reported(*job, progress.key.task, progress.progress, progress.metrics);
}

void Tasks::local_done(wire::TaskDone done) {
  Job* job = hooks_.find_job(done.key.job);
  const auto task = job != nullptr ? load(*job, done.key.task) : std::nullopt;
  if (!task || task->state != "open") return;
  if (!done.ok) {
    if (wait_for_space(done.key)) return;
    const Unit::Scope scope(unit_);
    return failed(
        *job, done.key.task, *task, done.code,
        done.field.empty() ? done.message : fmt::format("{}: {}", done.field, done.message));
  }
  std::map<std::string, Content> outputs;
  std::vector<wire::TaskOutput> files;
  for (const auto& output : done.outputs) {
    outputs[output.name] = Content{output.data, output.path};
    if (!output.path.empty()) files.push_back(output);
  }
  auto list = exhibits(*job, done.key.task, *task, outputs, done.result);
  std::vector<store::BlobStore::Claim> claims;
  for (const auto& file : files) claims.push_back(blobs_.claim(file.digest));
  const auto conclude = [this, done, claims](const Verdict& result) {
    const Unit::Scope scope(unit_);
    Job* current = hooks_.find_job(done.key.job);
    const auto open = current != nullptr ? load(*current, done.key.task) : std::nullopt;
    if (!open || open->state != "open") {
      for (const auto& output : done.outputs)  // once the claims are let go of
        loop_.post([this, digest = output.digest] { free_file(loop_, blobs_, digest); });
      return;
    }
    if (result.code == "data_loss" && wait_for_space(done.key)) return;
    if (!result.ok) return failed(*current, done.key.task, *open, result.code, result.message);
    wire::TaskFinished what;
    what.key = done.key;
    what.metrics = done.metrics;
    what.result = done.result;
    what.timing.run = done.run_seconds;
    what.timing.cpu = done.cpu_seconds;
    for (const auto& output : done.outputs) {
      if (output.path.empty()) {
        must(blobs_.put(as_bytes(output.data), output.digest));
      } else {
        if (!done_unless(Code::not_found, blobs_.record(output.digest, output.size))) {
          return failed(*current, done.key.task, *open, "data_loss",
                        "an output was given up while it was stored");
        }
      }
      what.outputs.push_back({output.name, output.digest, output.size, {}});
    }
    for (const std::string& plugin : done.plugins) {
      must(unit_.sql("INSERT OR IGNORE INTO loaded(job, plugin) VALUES(?, ?)")
               .bind(1, current->id)
               .bind(2, plugin)
               .run());
    }
    finished(*current, done.key.task, *open, what, result);
  };
  if (!list) return conclude(list.error());
  std::function<Status()> prepare;
  if (!files.empty()) {
    prepare = [this, files]() -> Status {
      for (const auto& file : files) {
        SKERRY_TRY(check_file_of(file));
        SKERRY_TRY(blobs_.prepare_file(file.path, file.digest, file.size));
      }
      return {};
    };
  }
  examiner_.examine(std::move(*list), std::move(prepare), conclude);
}

// ---- both

tl::expected<std::vector<Exhibit>, Verdict> Tasks::exhibits(
    const Job& job, const std::string& id, const Task& task,
    const std::map<std::string, Content>& outputs, const std::string& result) {
  std::vector<Exhibit> list;
  const auto artifact = [&](const std::string& hex) {
    const auto digest = Digest::from_hex(hex);
    return digest ? content(*digest) : Result<Content>(fail(digest.error()));
  };
  for (const auto& [name, hex] : task.expects.items()) {
    const auto found = outputs.find(name);
    if (found == outputs.end()) {
      return tl::unexpected(Verdict{
          false, "rejected.missing", fmt::format("the task made no output `{}`", name), {}});
    }
    auto expected = artifact(hex.get<std::string>());
    if (!expected) return tl::unexpected(Verdict{false, "data_loss", expected.error().text(), {}});
    Exhibit exhibit{name, found->second, std::move(*expected), 0, std::nullopt};
    const Json limits = task.limits.value(name, Json::object());
    exhibit.max_bytes = limits.value("bytes", std::uint64_t{0});
    exhibit.encoded = limits.value("encoded", false);
    if (limits.contains("samples")) {
      const Json& samples = limits.at("samples");
      exhibit.samples = SampleLimit{samples.at("min").get<std::uint64_t>(),
                                    samples.at("max").get<std::uint64_t>(), samples_in(result)};
    }
    if (limits.contains("norm")) {
      const Json& norm = limits.at("norm");
      auto base = artifact(norm.value("base", hex.get<std::string>()));
      if (!base) return tl::unexpected(Verdict{false, "data_loss", base.error().text(), {}});
      const std::string scratch = fmt::format("{} {} {}", job.key, id, name);
      exhibit.norm = NormLimit{
          norm.at("max").get<double>(), norm.value("policy", "reject") == "clip", std::move(*base),
          blobs_.staging_dir() / ("clipped-" + digest_of(as_bytes(scratch)).hex().substr(0, 32)),
          [this](const auto& file, const Digest& digest, std::uint64_t size) {
            return blobs_.prepare_file(file, digest, size);
          }};
    }
    list.push_back(std::move(exhibit));
  }
  return list;
}

void Tasks::examine_models(const Job& job, const std::vector<Digest>& models,
                           std::function<void(Verdict)> done) {
  std::vector<Content> contents;
  for (const Digest& digest : models) {
    const bool held = job.artifacts.contains(digest) || job.models.contains(digest) ||
                      job.shipped.contains(digest);
    auto found = held ? content(digest)
                      : Result<Content>(fail(Code::not_found, "it is no artifact of this job"));
    if (!found)
      return done({false,
                   "rejected.missing",
                   fmt::format("the workflow published model {}: {}; it may publish what its tasks "
                               "made and its state still names, and what was shipped with the job",
                               digest.hex(), found.error().message),
                   {}});
    contents.push_back(std::move(*found));
  }
  examiner_.examine_models(std::move(contents), [done = std::move(done)](Verdict verdict) {
    if (!verdict.ok) verdict.message = "the workflow published a bad model: " + verdict.message;
    done(std::move(verdict));
  });
}

// What was clipped takes the place of what the task made; the original is not needed any more.
bool Tasks::keep_clipped(wire::Artifact& output, const Clipped& clipped) {
  const Digest original = std::exchange(output.digest, clipped.digest);
  output.size = clipped.size;
  if (!clipped.data.empty()) {
    must(blobs_.put(as_bytes(clipped.data), clipped.digest));
  } else if (!done_unless(Code::not_found, blobs_.record(clipped.digest, clipped.size))) {
    return false;
  }
  if (original != clipped.digest) drop_unless_held(original);
  return true;
}

void Tasks::finished(Job& job, const std::string& id, const Task& task, wire::TaskFinished what,
                     const Verdict& verdict) {
  const auto result = parse_result(what.result);
  if (!result) return failed(job, id, task, "rejected.malformed", result.error().text());
  Json clipped = Json::object();
  for (auto& output : what.outputs) {
    const auto found = verdict.clipped.find(output.name);
    if (found == verdict.clipped.end()) continue;
    if (!keep_clipped(output, found->second))
      return failed(job, id, task, "data_loss", "an output was given up while it was stored");
    clipped[output.name] = {{"norm", found->second.norm}};
  }
  Json artifacts = Json::object();
  for (const auto& output : what.outputs) {
    artifacts[output.name] = {{"digest", output.digest.hex()}, {"size", output.size}};
    hold(job, output.digest);
  }
  close(job, id, "finished", "");  // lets go of what is held now
  Json metrics = Json::object();
  for (const auto& [name, value] : what.metrics)
    if (std::isfinite(value)) metrics[name] = value;
  job.bytes_up += what.bytes_up;
  job.bytes_down += what.bytes_down;
  hooks_.post(job, {{"type", "TaskFinished"},
                    {"task", id},
                    {"node", task.node},
                    {"kind", task.kind},
                    {"metrics", metrics},
                    {"artifacts", artifacts},
                    {"clipped", clipped},
                    {"result", *result},
                    {"seconds",
                     {{"queue", what.timing.queue},
                      {"download", what.timing.download},
                      {"run", what.timing.run},
                      {"upload", what.timing.upload}}},
                    {"cpu_seconds", what.timing.cpu},
                    {"bytes", {{"down", what.bytes_down}, {"up", what.bytes_up}}}});
}

void Tasks::failed(Job& job, const std::string& id, const Task& task, const std::string& code,
                   const std::string& message) {
  close(job, id, "failed", fmt::format("{}: {}", code, message));
  hooks_.post(job, {{"type", "TaskFailed"},
                    {"task", id},
                    {"node", task.node},
                    {"kind", task.kind},
                    {"code", code},
                    {"message", message}});
}

}  // namespace skerry::engine::cloud
