// The host's side of its workers: one process for a job's tasks, one for a job's decisions, each
// kept warm, and one for each task that serves. All calls on the host's event loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/engine/job_plugins.hpp"
#include "core/engine/quarantine.hpp"
#include "core/engine/workers.hpp"
#include "core/runtime/launcher.hpp"
#include "core/serving/seats.hpp"
#include "core/wire/socket_thread.hpp"

namespace skerry::engine {

class WorkerPool : public Workers {
 public:
  // What passes questions to the workers that serve.
  struct Relay {
    std::string endpoint;  // where they take their seats; empty: nothing is served here
    std::function<std::uint64_t(serving::Place)> reserve;  // gives a ticket
    std::function<void(std::uint64_t ticket)> release;
  };

  struct Options {
    std::filesystem::path run_dir;     // private; holds the ipc socket
    std::filesystem::path output_dir;  // for workers' output files, on the blob store's file system
    std::filesystem::path log_dir;
    std::filesystem::path plugin_dir;  // for copies of jobs' plugins; empty: none are kept
    int threads = 1;                   // for plugins of a task
    std::uint64_t memory = 0;          // bytes of data that a worker may have; 0: no limit
    // Of the sandbox: the host's state, which workers cannot read, but for `readable`. Empty: no
    // sandbox, and no watch over silent workers either, which a debugger may have stopped.
    std::filesystem::path hidden;
    std::vector<std::filesystem::path> readable;
    std::vector<std::filesystem::path> writable;  // beside a worker's own folder
    Quarantine* quarantine = nullptr;             // none: nothing is put in quarantine
    Relay relay;
    std::chrono::milliseconds decide_limit = std::chrono::seconds(60);
    std::chrono::milliseconds silence_limit = std::chrono::seconds(30);
    std::chrono::milliseconds cancel_limit = std::chrono::seconds(30);
  };

  WorkerPool(boost::asio::io_context& io, wire::SocketThread& sockets, runtime::Launcher& launcher,
             Options options, Listener& listener);

  Status open();
  int socket() const { return socket_; }
  void handle(const wire::Incoming& incoming);

  void run(wire::RunTask task) override;
  void cancel(const wire::TaskKey& key) override;
  void decide(wire::DecideRequest request) override;
  void forget(const std::string& job) override;
  void keep_only(const std::set<std::string>& jobs) override { plugins_.keep_only(jobs); }
  void stop_all();

 private:
  using Clock = std::chrono::steady_clock;

  struct Work {
    wire::RunTask task;
    Clock::time_point since{};  // it was sent
    std::optional<Clock::time_point> cancelled;
  };
  // Why the host ends a worker.
  struct Sentence {
    std::string code;
    std::string reason;  // "it made no decision within 60 s"
    bool blame = false;  // the plugin is at fault, whatever it was given to do
  };
  struct Worker {
    std::string id;
    std::string job;
    bool decides = false;
    std::optional<wire::TaskKey> serves;  // only this task, for as long as it may
    std::uint64_t ticket = 0;             // while it serves
    std::string peer;  // its address on the ipc socket; empty until it has said hello
    bool alive = false;
    pid_t pid = 0;
    int failures = 0;                                  // deaths, or failed starts, since an answer
    std::unique_ptr<boost::asio::steady_timer> retry;  // until it is started again
    std::optional<Work> current;
    std::deque<Work> waiting;
    std::optional<wire::DecideRequest> question;
    Clock::time_point asked{};  // the question was sent
    Clock::time_point heard{};  // its last sign of life, or since when one is awaited
    Clock::time_point pinged{};
    std::optional<Sentence> sentence;  // it is being ended, and gets no more work
    std::vector<PluginFile> plugins;   // of its job, as far as they were asked for
    std::filesystem::path output_dir;  // it may write here
    std::filesystem::path taken_dir;   // and here not: what it made, until somebody stores it
  };

  Worker& worker_for(const std::string& job, bool decides);
  Worker& worker_that_serves(const wire::TaskKey& key);
  Worker& add_worker(const std::string& job, const char* what);
  void give_ticket(Worker& worker);
  void take_ticket(Worker& worker);
  void dismiss(const std::string& id);
  bool serve_again(Worker& worker, const Sentence& said);
  void start(Worker& worker);
  Result<runtime::WorkerHandle> launch(const Worker& worker);
  void not_started(Worker& worker, const Problem& why);
  void feed(Worker& worker);
  void died(Worker& worker, const runtime::WorkerExit& exit);
  void lost(Worker& worker, const Sentence& said);
  void give_up(Worker& worker, const char* code, const std::string& message);
  void supervise();
  void supervise(Worker& worker, Clock::time_point now);
  void end(Worker& worker, Sentence sentence);
  std::optional<std::string> quarantined(const Worker& worker);
  Sentence obituary(const Worker& worker, const runtime::WorkerExit& exit);
  void use(Worker& worker, const std::string& plan, const std::string& task);
  void ask(Worker& worker);
  void ping(Worker& worker);
  void take_outputs_of(const Worker& worker, wire::TaskDone& done);
  void answered(Worker& worker, const wire::TaskDone& done);
  void answered(const Worker& worker, const wire::DecideReply& reply);
  std::filesystem::path log_of(const Worker& worker) const;
  std::filesystem::path call_record_of(const Worker& worker) const;
  void fail_task(const wire::TaskKey& key, const char* code, const std::string& message);
  void answer(wire::TaskDone done);
  void answer(wire::DecideReply reply);
  void watch_children();
  void reap_often();
  void retry(Worker& worker);
  void reap();
  template <class Message>
  void send(const Worker& worker, const Message& message);

  boost::asio::io_context& io_;
  wire::SocketThread& sockets_;
  runtime::Launcher& launcher_;
  Options options_;
  Listener& listener_;
  boost::asio::signal_set child_signal_;
  boost::asio::steady_timer reap_timer_;
  int socket_ = -1;
  std::string endpoint_;
  bool stopping_ = false;
  int started_ = 0;
  std::map<std::string, std::unique_ptr<Worker>> workers_;  // by id
  JobPlugins plugins_;
};

}  // namespace skerry::engine
