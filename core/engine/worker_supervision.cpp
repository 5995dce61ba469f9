// Watching over workers: those that take too long, fall silent or end, and what becomes of their
// plugins.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>

#include "core/base/file.hpp"
#include "core/base/log.hpp"
#include "core/base/units.hpp"
#include "core/engine/worker_log.hpp"
#include "core/engine/worker_pool.hpp"
#include "core/runtime/call_record.hpp"

namespace skerry::engine {
namespace {

// As calls are recorded. What is decoded is a stranger's word.
bool is_decoding(const std::string& call) {
  return call == "codec.decode" || call == "payload.decode";
}

// What calls the others.
bool is_outermost(const std::string& call) {
  return call == "task.run" || call == "workflow.decide";
}

// "fedavg, linear": of other files than the one with this digest.
std::string others_than(const std::vector<PluginFile>& plugins, const std::string& digest) {
  std::string names;
  for (const PluginFile& each : plugins)
    if (each.digest != digest) names += (names.empty() ? "" : ", ") + each.id;
  return names;
}

// A worker that ends this often without an answer will not give one.
constexpr int kMaxDeaths = 3;
constexpr auto kFirstRetry = std::chrono::milliseconds(50);  // then twice as long each time
constexpr int kMostBackoff = 6;                              // of what serves: 3.2 s
constexpr auto kServedWell = std::chrono::seconds(10);       // so long: it is no start that fails
constexpr std::uint64_t kMostLog = 8u << 20;                 // bytes
constexpr auto kPingEvery = std::chrono::seconds(5);
constexpr auto kEndGrace = std::chrono::seconds(3);  // between TERM and KILL

std::chrono::milliseconds whole(std::chrono::steady_clock::duration time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

// By its own doing: not by this host, nor by a person or a kernel that needs memory.
bool crashed(const runtime::WorkerExit& exit) {
  static constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};
  if (exit.signal == 0) return true;
  return std::find(std::begin(kFaults), std::end(kFaults), exit.signal) != std::end(kFaults);
}

}  // namespace

std::filesystem::path WorkerPool::log_of(const Worker& worker) const {
  return options_.log_dir / ("worker-" + worker.id + ".log");
}

std::filesystem::path WorkerPool::call_record_of(const Worker& worker) const {
  return options_.run_dir / (worker.id + ".calls");
}

void WorkerPool::supervise() {
  const auto now = Clock::now();
  for (auto& [id, worker] : workers_) {
    if (worker->alive) bound_log(log_of(*worker), kMostLog);
    if (worker->alive && !worker->sentence) supervise(*worker, now);
  }
}

void WorkerPool::supervise(Worker& worker, Clock::time_point now) {
  const bool answers = worker.current || worker.question || worker.peer.empty();
  if (answers && !options_.hidden.empty()) {
    if (now - worker.heard > options_.silence_limit)
      return end(worker, {"hung",
                          fmt::format("it gave no sign of life for {}",
                                      format_duration(options_.silence_limit)),
                          true});
    if (!worker.peer.empty() && now - worker.pinged > kPingEvery) ping(worker);
  }
  if (worker.question && !worker.peer.empty() && now - worker.asked > options_.decide_limit)
    return end(worker, {"hung",
                        fmt::format("it made no decision within {}",
                                    format_duration(options_.decide_limit)),
                        true});
  if (!worker.current) return;
  const Work& work = *worker.current;
  if (work.cancelled) {
    if (now - *work.cancelled > options_.cancel_limit)
      end(worker, {"hung",
                   fmt::format("it did not stop within {} after it was told to",
                               format_duration(options_.cancel_limit)),
                   false});
    return;
  }
  const std::chrono::milliseconds limit(work.task.deadline_ms);
  if (limit.count() > 0 && now - work.since > limit)
    end(worker, {"timeout",
                 fmt::format("the task ran for {}, and {} is its limit",
                             format_duration(whole(now - work.since)), format_duration(limit)),
                 false});
}

void WorkerPool::end(Worker& worker, Sentence sentence) {
  log_warn(fmt::format("worker {} of job {} is ended: {}", worker.id, worker.job, sentence.reason));
  worker.sentence = std::move(sentence);
  launcher_.stop(worker.id, kEndGrace);
}

// An answer speaks for the plugins, unless it says that memory ran out: what holds it is ended.
void WorkerPool::answered(Worker& worker, const wire::TaskDone& done) {
  if (done.code == "out_of_memory")
    return end(worker, {"out_of_memory", "its memory had run out", false});
  if (!done.ok || options_.quarantine == nullptr) return;
  for (const std::string& line : done.plugins) {  // "id version digest file"
    const auto version = line.find(' ');
    const auto digest = line.find(' ', version + 1);
    if (digest != std::string::npos) options_.quarantine->absolve(line.substr(digest + 1, 64));
  }
}

// It speaks for the workflow: no other plugin had a part in it.
void WorkerPool::answered(const Worker& worker, const wire::DecideReply& reply) {
  if (!reply.ok || options_.quarantine == nullptr) return;
  for (const PluginFile& file : worker.plugins)
    if (file.kind == "workflow/1") options_.quarantine->absolve(file.digest);
}

std::optional<std::string> WorkerPool::quarantined(const Worker& worker) {
  if (options_.quarantine == nullptr || options_.quarantine->empty()) return std::nullopt;
  for (const PluginFile& file : worker.plugins)
    if (const auto entry = options_.quarantine->find(file.digest))
      return options_.quarantine->explain(*entry);
  return std::nullopt;
}

// What is said about a worker's end, and puts plugins into quarantine that ended too many.
WorkerPool::Sentence WorkerPool::obituary(const Worker& worker, const runtime::WorkerExit& exit) {
  const auto calls = runtime::read_call_record(call_record_of(worker));
  Sentence said = worker.sentence.value_or(Sentence{"crashed", "", crashed(exit)});
  const std::string how = worker.sentence    ? "was ended: " + said.reason
                          : exit.signal != 0 ? "was " + exit.text
                                             : exit.text;
  if (calls.empty()) {
    said.reason = "its worker " + how;
  } else {
    const auto& call = calls.back();
    said.reason = fmt::format("plugin `{}` (digest {}) was in {} when its worker {}", call.plugin,
                              call.digest.substr(0, 16), call.call, how);
  }
  if (!worker.sentence && exit.signal == SIGKILL && !exit.out_of_memory)
    said.reason += " (not by this host: by a person, or by the kernel for want of memory)";
  const bool full = options_.memory > 0 && exit.peak_memory >= options_.memory / 5 * 4;
  if (!worker.sentence && (exit.out_of_memory || full)) {
    said.code = "out_of_memory";
    said.blame = false;
    said.reason += fmt::format(". It had used {} of the {} that --worker-memory allows",
                               format_bytes(exit.peak_memory), format_bytes(options_.memory));
  }
  // The sender may be at fault, and must not rob others of the plugin.
  if (!calls.empty() && is_decoding(calls.back().call)) said.blame = false;
  // The C library finds damaged memory long after it was damaged.
  const std::string others = calls.empty() ? "" : others_than(worker.plugins, calls.back().digest);
  if (exit.signal == SIGABRT && !others.empty() && is_outermost(calls.back().call)) {
    said.blame = false;
    said.reason += ". Memory may have been damaged before, by another plugin of this worker (" +
                   others + "): `skerry plugin check` finds that";
  }
  if (exit.signal != 0 && exit.signal != SIGKILL) {
    if (const std::string frames = last_calls(log_of(worker)); !frames.empty() && !calls.empty())
      said.reason += ". Calls, innermost first: " + frames;
  }
  const std::string reason = said.reason;
  said.reason += "; see " + log_of(worker).string();
  if (said.blame && !calls.empty() && options_.quarantine != nullptr)
    options_.quarantine->blame(calls.back(), reason);
  return said;
}

void WorkerPool::died(Worker& worker, const runtime::WorkerExit& exit) {
  worker.alive = false;
  worker.peer.clear();
  take_ticket(worker);
  if (stopping_) return;
  const Sentence said = obituary(worker, exit);
  bound_log(log_of(worker), kMostLog);
  worker.sentence.reset();
  log_warn(fmt::format("worker {} of job {} ended: {}", worker.id, worker.job, said.reason));
  lost(worker, said);
}

// As on a full disk: that passes, and is no plugin's fault.
void WorkerPool::not_started(Worker& worker, const Problem& why) {
  const Sentence said{"unavailable", "its worker did not start: " + why.text(), false};
  log_error(fmt::format("worker {} of job {}: {}", worker.id, worker.job, said.reason));
  lost(worker, said);
}

// What serves goes on serving, whether or not the cloud can be asked: only quarantine ends that.
bool WorkerPool::serve_again(Worker& worker, const Sentence& said) {
  if (!worker.serves || !worker.current || worker.current->cancelled) return false;
  if (quarantined(worker)) return false;
  if (Clock::now() - worker.current->since > kServedWell) worker.failures = 1;
  worker.failures = std::min(worker.failures, kMostBackoff);
  worker.waiting.push_front(std::exchange(worker.current, std::nullopt).value());
  log_warn(fmt::format("job {}: what serves is started again: {}", worker.job, said.reason));
  retry(worker);
  return true;
}

void WorkerPool::lost(Worker& worker, const Sentence& said) {
  ++worker.failures;
  if (serve_again(worker, said)) return;
  if (worker.current)
    fail_task(std::exchange(worker.current, std::nullopt)->task.key, said.code.c_str(),
              said.reason);
  if (!worker.question && worker.waiting.empty()) return;
  if (const auto why = quarantined(worker)) return give_up(worker, "quarantined", *why);
  // A workflow is pure: it would do the same again.
  const bool hopeless = worker.question && said.code == "hung";
  if (worker.failures <= kMaxDeaths && !hopeless) return retry(worker);
  const int times = std::exchange(worker.failures, 0);
  give_up(
      worker, said.code.c_str(),
      times > 1 ? fmt::format("{} times in a row, at last: {}", times, said.reason) : said.reason);
}

// All that waits for this worker fails.
void WorkerPool::give_up(Worker& worker, const char* code, const std::string& message) {
  for (const auto& work : std::exchange(worker.waiting, {}))
    fail_task(work.task.key, code, message);
  if (!worker.question) return;
  wire::DecideReply reply;
  reply.job = std::exchange(worker.question, std::nullopt)->job;
  reply.code = code;
  reply.message = message;
  answer(std::move(reply));
}

void WorkerPool::retry(Worker& worker) {
  worker.retry =
      std::make_unique<boost::asio::steady_timer>(io_, kFirstRetry * (1 << worker.failures));
  worker.retry->async_wait([this, id = worker.id](const boost::system::error_code& error) {
    const auto it = workers_.find(id);
    if (error || it == workers_.end()) return;
    it->second->retry.reset();
    start(*it->second);
  });
}

}  // namespace skerry::engine
