// The host's side of its workers: one process for a job's tasks, one for a job's decisions, each
// kept warm. All calls on the host's event loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/engine/workers.hpp"
#include "core/runtime/launcher.hpp"
#include "core/wire/socket_thread.hpp"

namespace skerry::engine {

class WorkerPool : public Workers {
 public:
  struct Options {
    std::filesystem::path run_dir;     // private; holds the ipc socket
    std::filesystem::path output_dir;  // for workers' output files, on the blob store's file system
    std::filesystem::path log_dir;
    int threads = 1;  // for plugins of a task
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
  void stop_all();

 private:
  struct Worker {
    std::string id;
    std::string job;
    bool decides = false;
    std::string peer;  // its address on the ipc socket; empty until it has said hello
    bool alive = false;
    pid_t pid = 0;
    int failures = 0;                                  // deaths since the last answer
    std::unique_ptr<boost::asio::steady_timer> retry;  // until it is started again
    std::optional<wire::RunTask> current;
    std::deque<wire::RunTask> waiting;
    std::optional<wire::DecideRequest> question;
    std::filesystem::path output_dir;
  };

  Worker& worker_for(const std::string& job, bool decides);
  void start(Worker& worker);
  void feed(Worker& worker);
  void died(Worker& worker, const std::string& how);
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
};

}  // namespace skerry::engine
