#include "core/engine/worker_pool.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <thread>

#include "core/base/file.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/engine/unit.hpp"
#include "core/engine/worker_log.hpp"
#include "core/engine/worker_outputs.hpp"
#include "core/wire/envelope.hpp"

namespace skerry::engine {
namespace {

constexpr auto kReapEvery =
    std::chrono::milliseconds(200);  // also enforces the grace of stopping workers
constexpr std::size_t kMostLogs = 256;
constexpr auto kStopGrace = std::chrono::seconds(2);  // to close what is open

}  // namespace

WorkerPool::WorkerPool(boost::asio::io_context& io, wire::SocketThread& sockets,
                       runtime::Launcher& launcher, Options options, Listener& listener)
    : io_(io),
      sockets_(sockets),
      launcher_(launcher),
      options_(std::move(options)),
      listener_(listener),
      child_signal_(io, SIGCHLD),
      reap_timer_(io),
      plugins_(options_.plugin_dir) {}

Status WorkerPool::open() {
  SKERRY_TRY(make_directories(options_.run_dir));
  SKERRY_TRY(make_directories(options_.output_dir));
  SKERRY_TRY(make_directories(options_.log_dir));
  if (!options_.plugin_dir.empty()) SKERRY_TRY(make_directories(options_.plugin_dir));
  endpoint_ = "ipc://" + (options_.run_dir / "workers.sock").string();
  SKERRY_ASSIGN(
      auto bound,
      sockets_.bind_router({.endpoint = endpoint_, .curve = {}, .max_message = wire::kLocalLimit}));
  socket_ = bound.first;
  watch_children();
  reap_often();
  return {};
}

void WorkerPool::reap_often() {
  reap_timer_.expires_after(kReapEvery);
  reap_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    reap();
    supervise();
    reap_often();
  });
}

void WorkerPool::watch_children() {
  child_signal_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    watch_children();
    reap();
  });
}

void WorkerPool::reap() {
  for (const auto& exited : launcher_.poll()) {
    const auto it = workers_.find(exited.id);
    if (it != workers_.end()) died(*it->second, exited);
  }
}

WorkerPool::Worker& WorkerPool::worker_for(const std::string& job, bool decides) {
  for (auto& [id, worker] : workers_)
    if (worker->job == job && worker->decides == decides && !worker->serves) return *worker;
  Worker& worker = add_worker(job, decides ? "decide" : "task");
  worker.decides = decides;
  return worker;
}

WorkerPool::Worker& WorkerPool::worker_that_serves(const wire::TaskKey& key) {
  for (auto& [id, worker] : workers_)
    if (worker->serves == key) return *worker;
  Worker& worker = add_worker(key.job, "serve");
  worker.serves = key;
  return worker;
}

WorkerPool::Worker& WorkerPool::add_worker(const std::string& job, const char* what) {
  prune_worker_logs(options_.log_dir, kMostLogs - 1);
  auto worker = std::make_unique<Worker>();
  worker->id = fmt::format("{}-{}-{}", what, job, ++started_);
  worker->job = job;
  worker->output_dir = options_.output_dir / worker->id;
  worker->taken_dir = options_.output_dir / (worker->id + ".taken");
  auto& place = workers_[worker->id];
  place = std::move(worker);
  return *place;
}

void WorkerPool::start(Worker& worker) {
  if (worker.alive || worker.retry || stopping_) return;
  worker.peer.clear();
  worker.sentence.reset();
  worker.heard = Clock::now();
  const auto handle = launch(worker);
  if (!handle) return not_started(worker, handle.error());
  worker.alive = true;
  worker.pid = handle->pid;
}

Result<runtime::WorkerHandle> WorkerPool::launch(const Worker& worker) {
  SKERRY_TRY(make_directories(worker.output_dir / "tmp"));
  SKERRY_TRY(make_directories(worker.taken_dir));
  SKERRY_TRY(runtime::create_call_record(call_record_of(worker)));
  runtime::WorkerSpec spec;
  spec.id = worker.id;
  spec.role = worker.decides ? runtime::WorkerRole::decide : runtime::WorkerRole::task;
  spec.endpoint = endpoint_;
  spec.threads = worker.decides ? 1 : options_.threads;
  spec.log_file = log_of(worker);
  spec.call_record = call_record_of(worker);
  if (worker.serves) spec.serving = options_.relay.endpoint;
  spec.memory = options_.memory;
#ifdef SKERRY_FAILPOINTS
  spec.env["SKERRY_FAILPOINTS"] = "";  // orders are for the host
#endif
  spec.env["TMPDIR"] = (worker.output_dir / "tmp").string();
  if (!options_.hidden.empty()) {
    spec.files = runtime::FileAccess{options_.hidden, options_.readable, options_.writable};
    std::error_code error;
    spec.files->write.push_back(std::filesystem::canonical(worker.output_dir, error));
  }
  return launcher_.start(spec);
}

// The worker's plugins are told to it with each piece of work.
void WorkerPool::use(Worker& worker, const std::string& plan, const std::string& task) {
  worker.plugins = plugins_.of(worker.job, plan, task);
}

void WorkerPool::run(wire::RunTask task) {
  if (task.serves && options_.relay.endpoint.empty())
    return fail_task(task.key, "unsupported", "this host serves nothing");
  Worker& worker = task.serves ? worker_that_serves(task.key) : worker_for(task.key.job, false);
  use(worker, task.plan, task.kind);
  if (const auto why = quarantined(worker)) return fail_task(task.key, "quarantined", *why);
  task.output_dir = worker.output_dir.string();
  task.plugins = worker.plugins;
  worker.waiting.push_back({std::move(task), {}, {}});
  start(worker);
  feed(worker);
}

void WorkerPool::decide(wire::DecideRequest request) {
  Worker& worker = worker_for(request.job, true);
  use(worker, request.plan, "");
  request.plugins = worker.plugins;
  worker.question = std::move(request);
  if (const auto why = quarantined(worker)) return give_up(worker, "quarantined", *why);
  start(worker);
  ask(worker);
}

void WorkerPool::ask(Worker& worker) {
  if (worker.peer.empty() || !worker.question) return;
  worker.asked = worker.heard = Clock::now();
  send(worker, *worker.question);
}

// One task at a time: a worker's plugins share its threads and memory.
void WorkerPool::feed(Worker& worker) {
  if (worker.peer.empty() || worker.sentence || worker.current || worker.waiting.empty()) return;
  worker.current = std::move(worker.waiting.front());
  worker.waiting.pop_front();
  worker.current->since = worker.heard = Clock::now();
  give_ticket(worker);
  send(worker, worker.current->task);
}

// Each process has a ticket of its own: what an earlier one knows is worth nothing.
void WorkerPool::give_ticket(Worker& worker) {
  wire::RunTask& task = worker.current->task;
  if (!task.serves) return;
  const std::string& job = task.key.job;
  worker.ticket = options_.relay.reserve(
      {job, job.substr(0, job.rfind('.')), task.serves.version, task.serves.replica});
  task.ticket = worker.ticket;
}

void WorkerPool::take_ticket(Worker& worker) {
  if (const auto ticket = std::exchange(worker.ticket, 0); ticket != 0)
    options_.relay.release(ticket);
}

// A worker that served has nothing more to do.
void WorkerPool::dismiss(const std::string& id) {
  const auto worker = workers_.find(id);
  if (worker == workers_.end()) return;
  take_ticket(*worker->second);
  launcher_.stop(id, kStopGrace);
  std::error_code ignored;
  std::filesystem::remove_all(worker->second->output_dir, ignored);
  std::filesystem::remove(worker->second->taken_dir, ignored);  // where it is empty
  std::filesystem::remove(call_record_of(*worker->second), ignored);
  workers_.erase(worker);
}

void WorkerPool::cancel(const wire::TaskKey& key) {
  for (auto& [id, worker] : workers_) {
    if (worker->current && worker->current->task.key == key) {
      if (!worker->current->cancelled) worker->current->cancelled = Clock::now();
      send(*worker, wire::CancelTask{key});
      return;
    }
    for (auto it = worker->waiting.begin(); it != worker->waiting.end(); ++it) {
      if (it->task.key != key) continue;
      worker->waiting.erase(it);
      fail_task(key, "cancelled", "stopped before it began");
      if (worker->serves) dismiss(std::string(id));
      return;
    }
  }
}

void WorkerPool::forget(const std::string& job) {
  for (auto it = workers_.begin(); it != workers_.end();) {
    if (it->second->job != job) {
      ++it;
      continue;
    }
    take_ticket(*it->second);
    launcher_.stop(it->first, kStopGrace);
    std::error_code ignored;
    std::filesystem::remove_all(it->second->output_dir, ignored);
    std::filesystem::remove_all(it->second->taken_dir, ignored);
    std::filesystem::remove(call_record_of(*it->second), ignored);
    it = workers_.erase(it);
  }
  plugins_.forget(job);
}

void WorkerPool::stop_all() {
  stopping_ = true;
  for (auto& [id, worker] : workers_) launcher_.stop(id, kStopGrace);
  // While they see their host's socket: without it they end at once.
  auto left = static_cast<std::size_t>(std::count_if(
      workers_.begin(), workers_.end(), [](const auto& entry) { return entry.second->alive; }));
  for (const auto until = Clock::now() + kStopGrace; left > 0 && Clock::now() < until;) {
    left -= std::min(left, launcher_.poll().size());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void WorkerPool::fail_task(const wire::TaskKey& key, const char* code, const std::string& message) {
  wire::TaskDone done;
  done.key = key;
  done.code = code;
  done.message = message;
  answer(std::move(done));
}

// Posted, not called: what the listener does may take the worker away under our feet.
void WorkerPool::answer(wire::TaskDone done) {
  boost::asio::post(
      io_, [this, done = std::move(done)]() mutable { listener_.task_done(std::move(done)); });
}

void WorkerPool::answer(wire::DecideReply reply) {
  boost::asio::post(
      io_, [this, reply = std::move(reply)]() mutable { listener_.decided(std::move(reply)); });
}

void WorkerPool::handle(const wire::Incoming& incoming) {
  const auto received = wire::parse_frame(incoming.data, wire::kLocalLimit);
  if (!received) {
    log_warn("a worker sent a frame that is refused: " + received.error().text());
    return;
  }
  if (received->header.type == wire::Type::worker_hello) {
    const auto hello = wire::decode<wire::WorkerHello>(received->payload());
    if (!hello) return log_warn(hello.error().text());
    const auto it = workers_.find(hello->id);
    if (it == workers_.end() || it->second->pid != static_cast<pid_t>(hello->pid))
      return;  // of one that has ended
    it->second->peer = incoming.peer;
    ask(*it->second);
    return feed(*it->second);
  }
  Worker* worker = nullptr;
  for (auto& [id, candidate] : workers_)
    if (candidate->peer == incoming.peer) worker = candidate.get();
  if (worker == nullptr) return;  // forgotten meanwhile
  worker->heard = Clock::now();
  switch (received->header.type) {
    case wire::Type::task_done: {
      auto done = wire::decode<wire::TaskDone>(received->payload());
      if (!done) return log_warn(done.error().text());
      if (!worker->current || worker->current->task.key != done->key) return;
      worker->current.reset();
      worker->failures = 0;
      take_outputs_of(*worker, *done);
      answered(*worker, *done);
      if (worker->serves)
        dismiss(std::string(worker->id));
      else
        feed(*worker);
      return answer(std::move(*done));
    }
    case wire::Type::task_progress: {
      const auto progress = wire::decode<wire::TaskProgress>(received->payload());
      if (!progress) return log_warn(progress.error().text());
      return listener_.task_progress(*progress);
    }
    case wire::Type::decide_reply: {
      auto reply = wire::decode<wire::DecideReply>(received->payload());
      if (!reply) return log_warn(reply.error().text());
      if (!worker->question) return;
      worker->question.reset();
      worker->failures = 0;
      answered(*worker, *reply);
      return answer(std::move(*reply));
    }
    case wire::Type::pong:
      return;
    default:
      log_warn(fmt::format("worker {} sent a message of type {}, which workers do not send",
                           worker->id, static_cast<int>(received->header.type)));
  }
}

void WorkerPool::take_outputs_of(const Worker& worker, wire::TaskDone& done) {
  const Status taken = take_outputs(done, worker.output_dir, worker.taken_dir);
  if (taken) return;
  const Problem& problem = taken.error();
  log_error(fmt::format("worker {}: {}", worker.id, problem.text()));
  done.ok = false;
  done.code = problem.code == Code::unavailable ? "unavailable" : "rejected.malformed";
  done.message = problem.text();
  done.outputs.clear();
}

void WorkerPool::ping(Worker& worker) {
  worker.pinged = Clock::now();
  sockets_.send(socket_, worker.peer, wire::frame(wire::Header{wire::Type::ping}));
}

template <class Message>
void WorkerPool::send(const Worker& worker, const Message& message) {
  sockets_.send(socket_, worker.peer, wire::frame(0, 0, 0, message));
}

}  // namespace skerry::engine
