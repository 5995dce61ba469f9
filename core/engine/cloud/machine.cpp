#include "core/engine/cloud/machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/engine/audit.hpp"
#include "core/engine/wall_clock.hpp"
#include "core/wire/envelope.hpp"

namespace skerry::engine::cloud {
namespace {

// Events asked about at once: bounds the size of a question.
constexpr std::size_t kMaxEvents = 256;
// Of plan, state and events: what a frame to a worker holds, less what is said around them.
constexpr std::size_t kMaxQuestion = wire::kLocalLimit - (std::size_t{1} << 20);
constexpr auto kAskAgain = std::chrono::seconds(1);
constexpr std::size_t kMaxAuditText = 1000;
// Job time is stored this long after the start, then whenever the host is twice as old: one that
// dies young again and again still spends at least half of its life.
constexpr auto kFirstKeep = std::chrono::milliseconds(100);
constexpr auto kLastKeep = std::chrono::seconds(5);
constexpr std::int64_t kMaxTimerMs = std::int64_t{10} * 365 * 24 * 3600 * 1000;  // ten years

std::string text(const Json& object, const char* key) {
  return object.at(key).get<std::string>();
}

// What a worker's reply says to do.
Result<Json> commands_in(const wire::DecideReply& reply) {
  if (!reply.ok)
    return fail(Code::failed_precondition,
                fmt::format("the workflow cannot decide: {} ({})", reply.message, reply.code));
  auto commands = parse_json(reply.commands);
  if (!commands || !commands->is_array())
    return fail(Code::invalid_argument,
                "the workflow answered with something that is no JSON array of commands");
  return commands;
}

// Malformed commands are left to their own step.
std::vector<Digest> published_in(const Json& commands) {
  std::vector<Digest> models;
  for (const Json& command : commands) {
    if (!command.is_object() || command.value("do", Json()) != "PublishModel") continue;
    const Json named = command.value("digest", Json());
    const auto digest = Digest::from_hex(named.is_string() ? named.get<std::string>() : "");
    if (digest) models.push_back(*digest);
  }
  return models;
}

std::string digest_text(const std::string& text) {
  return digest_of(as_bytes(text)).hex();
}

}  // namespace

Machine::Machine(Loop& loop, Unit& unit, Workers& workers, Tasks& tasks)
    : loop_(loop), unit_(unit), workers_(workers), tasks_(tasks) {}

void Machine::create(NewJob fresh, const std::vector<std::string>& nodes) {
  must(unit_
           .sql("INSERT INTO job(name, kind, plan, text, phase, message, state, decided, time_ms, "
                "created, bytes_up, "
                "bytes_down) VALUES(?, ?, ?, ?, 'Pending', '', x'', 0, 0, ?, 0, 0)")
           .bind(1, fresh.name)
           .bind(2, fresh.kind)
           .bind(3, dump_json(fresh.plan))
           .bind(4, fresh.text)
           .bind(5, wall_clock_text())
           .run());
  const std::int64_t id = unit_.database().last_insert_id();
  for (const Digest& digest : fresh.shipped) {
    must(unit_.sql("INSERT OR IGNORE INTO artifact(job, digest, shipped) VALUES(?, ?, 1)")
             .bind(1, id)
             .bind(2, digest)
             .run());
  }
  Job& job = load(id);
  post(job, {{"type", "Started"},
             {"job", job.name},
             {"spec", fresh.plan.at("spec")},
             {"seed", fresh.plan.value("seed", 1)},
             {"nodes", nodes}});
  Json shipped = Json::array();
  for (const Digest& digest : fresh.shipped) shipped.push_back(digest.hex());
  audit(
      unit_, fresh.actor, "job.applied", job.name,
      {{"job", job.key}, {"kind", job.kind}, {"plan", digest_text(job.plan)}, {"files", shipped}});
  SKERRY_FAILPOINT("cloud.job.created");
  log_info(fmt::format("job {} created", job.name));
}

Job& Machine::load(std::int64_t id) {
  auto job = std::make_unique<Job>(loop_);
  job->id = id;
  auto row = unit_.sql(
      "SELECT name, kind, plan, phase, message, created, state, decided, time_ms, bytes_up, "
      "bytes_down "
      "FROM job WHERE id = ?");
  row.bind(1, id);
  must(row.step());
  job->name = row.column_text(0);
  job->key = fmt::format("{}.{}", job->name, id);
  job->kind = row.column_text(1);
  job->plan = row.column_text(2);
  job->phase = row.column_text(3);
  job->message = row.column_text(4);
  job->created = row.column_text(5);
  job->state = row.column_blob(6);
  job->decided = row.column_int(7);
  job->time_base = row.column_int(8);
  job->bytes_up = static_cast<std::uint64_t>(row.column_int(9));
  job->bytes_down = static_cast<std::uint64_t>(row.column_int(10));
  auto events = unit_.sql(
      "SELECT seq, body, json_extract(body, '$.at_ms') FROM event WHERE job = ? AND seq > ? ORDER "
      "BY seq");
  events.bind(1, id).bind(2, job->decided);
  job->next_event = job->decided + 1;
  while (must(events.step())) {
    job->undecided.push_back(events.column_text(1));
    job->next_event = events.column_int(0) + 1;
    job->time_base = std::max(job->time_base, events.column_int(2));  // it never goes back
  }
  auto records = unit_.sql("SELECT coalesce(max(seq), 0) FROM record WHERE job = ?");
  records.bind(1, id);
  must(records.step());
  job->next_record = records.column_int(0) + 1;
  auto timers = unit_.sql("SELECT name, fires_at_ms FROM timer WHERE job = ?");
  timers.bind(1, id);
  while (must(timers.step())) job->timers[timers.column_text(0)] = timers.column_int(1);
  auto artifacts = unit_.sql(
      "SELECT digest, shipped, EXISTS (SELECT 1 FROM model WHERE model.job = artifact.job AND "
      "model.digest = artifact.digest) FROM artifact WHERE job = ?");
  artifacts.bind(1, id);
  while (must(artifacts.step())) {
    auto& held = artifacts.column_int(1) != 0   ? job->shipped
                 : artifacts.column_int(2) != 0 ? job->models
                                                : job->artifacts;
    held.insert(must(artifacts.column_digest(0)));
  }
  Job& loaded = *job;
  jobs_[loaded.name] = std::move(job);
  return loaded;
}

void Machine::recover() {
  std::vector<std::int64_t> ids;
  {
    auto select = unit_.sql("SELECT id FROM job ORDER BY id");
    while (must(select.step())) ids.push_back(select.column_int(0));
  }
  std::set<std::string> going_on;
  for (const std::int64_t id : ids) {
    Job& job = load(id);
    if (job.finished()) continue;
    log_info(fmt::format("job {} goes on after {} events", job.name, job.decided));
    const Unit::Scope scope(unit_);
    post(job, {{"type", "Restarted"}});
    tasks_.restart_local(job);
    going_on.insert(job.key);
  }
  workers_.keep_only(going_on);
  arm_timers();
  keep_time(kFirstKeep, kFirstKeep);
}

// So that no deadline is put off for ever by a host that does nothing but end and start.
void Machine::keep_time(Loop::Clock::duration wait, Loop::Clock::duration age) {
  time_alarm_ = loop_.after(wait, [this, age] {
    if (disk_ == nullptr || !disk_->low()) {
      const Unit::Scope scope(unit_);
      for (const auto& [name, job] : jobs_) {
        if (job->finished()) continue;
        must(unit_.sql("UPDATE job SET time_ms = ? WHERE id = ?")
                 .bind(1, job->now_ms())
                 .bind(2, job->id)
                 .run());
      }
    }
    const auto next = std::min<Loop::Clock::duration>(age, kLastKeep);
    keep_time(next, age + next);
  });
}

void Machine::post(Job& job, Json event) {
  if (job.finished()) return;
  event["at_ms"] = job.now_ms();
  std::string body = dump_json(event);
  must(unit_.sql("INSERT INTO event(job, seq, body) VALUES(?, ?, ?)")
           .bind(1, job.id)
           .bind(2, job.next_event++)
           .bind(3, body)
           .run());
  job.undecided.push_back(std::move(body));
  SKERRY_FAILPOINT("cloud.event.posted");
  unit_.after_commit([this, key = job.key] {
    if (Job* posted = find_key(key)) ask(*posted);
  });
}

void Machine::post_to_all(const Json& event) {
  for (auto& [name, job] : jobs_)
    if (!job->finished()) post(*job, event);
}

// As many events as one question may hold.
void Machine::ask(Job& job) {
  if (job.finished() || job.asked > 0 || job.undecided.empty()) return;
  if (disk_ != nullptr && disk_->critical()) return ask_later();
  std::size_t size = job.plan.size() + job.state.size();
  const std::size_t most = std::min(job.undecided.size(), kMaxEvents);
  while (job.asked < most && size + job.undecided[job.asked].size() <= kMaxQuestion)
    size += job.undecided[job.asked++].size();
  if (job.asked == 0) {
    const Unit::Scope scope(unit_);
    return fail(job, fmt::format("the workflow cannot be asked: plan and state have {} bytes, the "
                                 "next event {}; at most {} fit into a question. A workflow must "
                                 "keep its state smaller",
                                 size, job.undecided.front().size(), kMaxQuestion));
  }
  wire::DecideRequest request;
  request.job = job.key;
  request.plan = job.plan;
  request.state = job.state;
  request.events.assign(job.undecided.begin(),
                        job.undecided.begin() + static_cast<std::ptrdiff_t>(job.asked));
  workers_.decide(std::move(request));
}

void Machine::ask_later() {
  if (ask_again_) return;
  ask_again_ = loop_.after(kAskAgain, [this] {
    ask_again_.reset();
    for (auto& [name, job] : jobs_) ask(*job);
  });
}

// No worker could be started: did the full disk do that? Nobody can tell, but it may.
bool Machine::wait_for_space(Job& job, const wire::DecideReply& reply) {
  if (reply.code != "unavailable" || disk_ == nullptr) return false;
  disk_->look();
  if (!disk_->low()) return false;
  job.asked = 0;
  ask_later();
  return true;
}

// The question stays open, so that no other is asked, until the models are examined.
void Machine::decided(wire::DecideReply reply) {
  Job* job = find_key(reply.job);
  if (job == nullptr || job->finished() || job->asked == 0) return;
  if (wait_for_space(*job, reply)) return;
  auto commands = commands_in(reply);
  if (!commands) {
    const Unit::Scope scope(unit_);
    return fail(*job, commands.error().message);
  }
  const std::vector<Digest> models = published_in(*commands);
  tasks_.examine_models(*job, models,
                        [this, reply = std::move(reply),
                         commands = std::move(*commands)](const Verdict& verdict) mutable {
                          Job* asked = find_key(reply.job);
                          if (asked == nullptr || asked->finished()) return;
                          const Unit::Scope scope(unit_);
                          SKERRY_FAILPOINT("cloud.decision.received");
                          if (!verdict.ok) return fail(*asked, verdict.message);
                          store(*asked, std::move(reply.state), commands);
                        });
}

void Machine::store(Job& job, std::string state, const Json& commands) {
  const std::size_t count = std::exchange(job.asked, 0);
  job.undecided.erase(job.undecided.begin(),
                      job.undecided.begin() + static_cast<std::ptrdiff_t>(count));
  const std::int64_t before = job.decided;
  job.decided += static_cast<std::int64_t>(count);
  job.state = std::move(state);
  for (const Json& command : commands) {
    try {
      apply(job, command);
    } catch (const Json::exception& error) {
      return fail(job, fmt::format("the workflow gave a command that is malformed: {} ({})",
                                   dump_json(command), error.what()));
    }
    if (job.finished()) break;
  }
  must(unit_
           .sql("UPDATE job SET state = ?, decided = ?, time_ms = ?, bytes_up = ?, bytes_down = ? "
                "WHERE id = ?")
           .bind(1, as_bytes(job.state))
           .bind(2, job.decided)
           .bind(3, job.now_ms())
           .bind(4, job.bytes_up)
           .bind(5, job.bytes_down)
           .bind(6, job.id)
           .run());
  forget_events(job, before);
  tasks_.release_artifacts(job);
  SKERRY_FAILPOINT("cloud.decision.stored");
  unit_.after_commit([this, key = job.key] {
    arm_timers();
    if (Job* answered = find_key(key)) {
      changed(*answered);
      ask(*answered);
    }
  });
}

// What was decided is not asked about again. The ends of tasks stay with their tasks: they prove
// what each round was made of. So does the last event, for the numbers to go on from.
void Machine::forget_events(const Job& job, std::int64_t from) {
  must(unit_
           .sql("DELETE FROM event WHERE job = ? AND seq >= ? AND seq < ? AND json_extract(body, "
                "'$.type') NOT IN ('TaskFinished', 'TaskFailed')")
           .bind(1, job.id)
           .bind(2, from)
           .bind(3, job.decided)
           .run());
}

void Machine::apply(Job& job, const Json& command) {
  using Step = void (Machine::*)(Job&, const Json&);
  static const std::map<std::string, Step> steps{
      {"StartTask", &Machine::start_task},
      {"StopTask", &Machine::stop_task},
      {"SetTimer", &Machine::set_timer},
      {"CancelTimer", &Machine::cancel_timer},
      {"PublishModel", &Machine::publish},
      {"SetStatus", &Machine::tell_status},
      {"Report", &Machine::report},
      {"Note", &Machine::note},
      {"Finish", &Machine::finish_as_decided},
  };
  const std::string what = text(command, "do");
  const auto step = steps.find(what);
  if (step != steps.end()) return (this->*step->second)(job, command);
  std::string known;
  for (const auto& [name, function] : steps) known += (known.empty() ? "" : ", ") + name;
  fail(job,
       fmt::format("the workflow gave the command `{}`, which this host does not know. Known: {}",
                   what, known));
}

void Machine::start_task(Job& job, const Json& command) {
  if (const auto started = tasks_.start(job, command); !started) fail(job, started.error().text());
}

void Machine::stop_task(Job& job, const Json& command) {
  tasks_.stop(job, text(command, "task"), "the workflow stopped it");
}

void Machine::set_timer(Job& job, const Json& command) {
  const std::string name = text(command, "timer");
  const auto wait = command.at("after_ms").get<std::int64_t>();
  job.timers[name] = job.now_ms() + std::clamp<std::int64_t>(wait, 0, kMaxTimerMs);
  must(unit_.sql("INSERT OR REPLACE INTO timer(job, name, fires_at_ms) VALUES(?, ?, ?)")
           .bind(1, job.id)
           .bind(2, name)
           .bind(3, job.timers[name])
           .run());
}

void Machine::cancel_timer(Job& job, const Json& command) {
  job.timers.erase(text(command, "timer"));
  must(unit_.sql("DELETE FROM timer WHERE job = ? AND name = ?")
           .bind(1, job.id)
           .bind(2, text(command, "timer"))
           .run());
}

// Of a model that examine_models() found good.
void Machine::publish(Job& job, const Json& command) {
  const auto digest = Digest::from_hex(text(command, "digest"));
  if (!digest)
    return fail(
        job, "the workflow published a model whose digest is malformed: " + digest.error().message);
  must(unit_
           .sql("INSERT INTO model(job, version, digest, metrics, created) VALUES(?1, (SELECT "
                "coalesce(max(version), 0) + 1 "
                "FROM model WHERE job = ?1), ?2, ?3, ?4)")
           .bind(1, job.id)
           .bind(2, *digest)
           .bind(3, dump_json(command.value("metrics", Json::object())))
           .bind(4, wall_clock_text())
           .run());
  job.models.insert(job.artifacts.extract(*digest));
  audit(unit_, kActorCloud, "model.published", job.name,
        {{"job", job.key}, {"digest", digest->hex()}});
  SKERRY_FAILPOINT("cloud.model.published");
}

void Machine::tell_status(Job& job, const Json& command) {
  set_status(job, text(command, "phase"), command.value("message", ""));
}

void Machine::report(Job& job, const Json& command) {
  must(unit_.sql("INSERT INTO record(job, seq, body) VALUES(?, ?, ?)")
           .bind(1, job.id)
           .bind(2, job.next_record++)
           .bind(3, dump_json(command.at("record")))
           .run());
}

// What a workflow decides against a node's work or a model is on record like the host's own
// refusals.
void Machine::note(Job& job, const Json& command) {
  Json details{{"job", job.key}};
  for (const char* member : {"code", "message", "node", "digest"})
    if (std::string said = command.value(member, ""); !said.empty())
      details[member] = said.substr(0, kMaxAuditText);
  audit(unit_, kActorCloud, "job.noted", job.name, details);
}

void Machine::finish_as_decided(Job& job, const Json& command) {
  finish(job, text(command, "phase"), command.value("message", ""));
}

void Machine::set_status(Job& job, const std::string& phase, const std::string& message) {
  job.phase = phase;
  job.message = message;
  must(unit_.sql("UPDATE job SET phase = ?, message = ? WHERE id = ?")
           .bind(1, phase)
           .bind(2, message)
           .bind(3, job.id)
           .run());
}

void Machine::fail(Job& job, const std::string& message) {
  log_error(fmt::format("job {}: {}", job.name, message));
  finish(job, "Failed", message);
}

void Machine::stop(Job& job, const std::string& message) {
  if (!job.finished()) finish(job, "Stopped", message);
}

void Machine::finish(Job& job, const std::string& phase, const std::string& message) {
  set_status(job, phase, message);
  job.time_base = job.now_ms();
  job.loaded = loop_.now();
  must(unit_.sql("UPDATE job SET time_ms = ?, bytes_up = ?, bytes_down = ? WHERE id = ?")
           .bind(1, job.time_base)
           .bind(2, job.bytes_up)
           .bind(3, job.bytes_down)
           .bind(4, job.id)
           .run());
  job.timers.clear();
  job.undecided.clear();
  must(unit_.sql("DELETE FROM timer WHERE job = ?").bind(1, job.id).run());
  tasks_.end(job);
  tasks_.release_artifacts(job);
  audit(unit_, kActorCloud, "job.finished", job.name,
        {{"job", job.key},
         {"phase", phase},
         {"message", message.substr(0, kMaxAuditText)},
         {"plan", digest_text(job.plan)},
         {"plugins", tasks_.loaded_plugins(job)}});
  SKERRY_FAILPOINT("cloud.job.finished");
  log_info(fmt::format("job {}: {}: {}", job.name, phase, message));
  unit_.after_commit([this, key = job.key] {
    workers_.forget(key);
    if (Job* ended = find_key(key)) changed(*ended);
  });
}

void Machine::remove(Job& job) {
  tasks_.release_all(job);
  must(unit_.sql("DELETE FROM job WHERE id = ?").bind(1, job.id).run());
  jobs_.erase(job.name);
}

Job* Machine::find(const std::string& name) {
  const auto it = jobs_.find(name);
  return it == jobs_.end() ? nullptr : it->second.get();
}

Job* Machine::find_key(const std::string& key) {
  Job* job = find(key.substr(0, key.rfind('.')));
  return job != nullptr && job->key == key ? job : nullptr;
}

void Machine::changed(Job& job) {
  if (observer_) observer_(job);
}

void Machine::arm_timers() {
  std::optional<std::int64_t> wait;
  for (const auto& [name, job] : jobs_)
    for (const auto& [timer, at] : job->timers)
      wait = std::min(wait.value_or(at - job->now_ms()), at - job->now_ms());
  alarm_.reset();
  if (!wait) return;
  alarm_ = loop_.after(std::chrono::milliseconds(std::max<std::int64_t>(0, *wait)),
                       [this] { fire_timers(); });
}

void Machine::fire_timers() {
  {
    const Unit::Scope scope(unit_);
    for (auto& [name, job] : jobs_) {
      for (auto it = job->timers.begin(); it != job->timers.end();) {
        if (it->second > job->now_ms()) {
          ++it;
          continue;
        }
        must(unit_.sql("DELETE FROM timer WHERE job = ? AND name = ?")
                 .bind(1, job->id)
                 .bind(2, it->first)
                 .run());
        post(*job, {{"type", "TimerFired"}, {"timer", it->first}});
        it = job->timers.erase(it);
        SKERRY_FAILPOINT("cloud.timer.fired");
      }
    }
  }
  arm_timers();
}

}  // namespace skerry::engine::cloud
