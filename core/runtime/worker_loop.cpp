#include "core/runtime/worker_loop.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/runtime/call_record.hpp"
#include "core/runtime/calls.hpp"
#include "core/runtime/crash_report.hpp"
#include "core/runtime/decider.hpp"
#include "core/runtime/host_link.hpp"
#include "core/runtime/job_thread.hpp"
#include "core/runtime/syscall_filter.hpp"
#include "core/runtime/task_runner.hpp"
#include "core/wire/envelope.hpp"
#include "core/wire/local_link.hpp"

namespace skerry::runtime {
namespace {

constexpr int kHostGone = 69;       // EX_UNAVAILABLE
constexpr int kProtocolError = 76;  // EX_PROTOCOL

void prepare_thread() {
  record_calls_of_this_thread();
  report_crashes_of_this_thread();
}

// Answers the host on this thread while plugins run on another.
class WorkerLoop {
 public:
  WorkerLoop(const WorkerOptions& options, HostLink& link, wire::LocalLink* questions)
      : options_(options),
        link_(link),
        runner_(
            options.threads, calls_, [this](const wire::TaskProgress& progress) { post(progress); },
            questions),
        decider_(options.threads, calls_),
        thread_([&link] { link.wake(); }) {}

  int run() {
    post(wire::WorkerHello{.id = options_.id, .pid = static_cast<std::uint32_t>(getpid())});
    while (!ended_) {
      const auto messages = link_.wait();
      if (!messages) {
        log_warn(messages.error().text());
        return kHostGone;
      }
      if (!messages->empty() && !enclosed_) {
        if (auto status = enclose(); !status) {
          log_error(status.error().text());
          return EXIT_FAILURE;
        }
      }
      for (const auto& message : *messages) {
        if (auto status = handle(message); !status) {
          log_error("a message of the host cannot be understood: " + status.error().text());
          return kProtocolError;
        }
      }
      start_next();
    }
    return EXIT_SUCCESS;
  }

  bool busy() const { return thread_.busy(); }

 private:
  // The host's first message proves that the connection stands; no plugin has run yet.
  Status enclose() {
    enclosed_ = true;
    if (!options_.sandbox || !syscall_filter_available()) return {};
    return deny_local_sockets();
  }

  // Any thread.
  template <class Message>
  void post(const Message& message) {
    link_.post(wire::frame(0, 0, 0, message));
  }

  Status handle(const std::string& bytes) {
    SKERRY_ASSIGN(const auto received, wire::parse_frame(bytes, wire::kLocalLimit));
    switch (received.header.type) {
      case wire::Type::run_task: {
        SKERRY_TRY(check_role(WorkerRole::task));
        SKERRY_ASSIGN(auto task, wire::decode<wire::RunTask>(received.payload()));
        tasks_.push_back(std::move(task));
        return {};
      }
      case wire::Type::decide_request: {
        SKERRY_TRY(check_role(WorkerRole::decide));
        SKERRY_ASSIGN(auto request, wire::decode<wire::DecideRequest>(received.payload()));
        questions_.push_back(std::move(request));
        return {};
      }
      case wire::Type::cancel_task: {
        SKERRY_ASSIGN(const auto cancel, wire::decode<wire::CancelTask>(received.payload()));
        cancel_task(cancel.key);
        return {};
      }
      case wire::Type::ping:
        link_.post(wire::frame(wire::Header{wire::Type::pong}));
        return {};
      case wire::Type::shutdown:
        ended_ = true;
        return {};
      default:
        return fail(Code::invalid_argument, fmt::format("message type {} is not for a worker",
                                                        static_cast<int>(received.header.type)));
    }
  }

  Status check_role(WorkerRole wanted) const {
    if (options_.role == wanted) return {};
    return fail(Code::invalid_argument,
                "a worker for tasks was asked to decide, or the other way round");
  }

  void cancel_task(const wire::TaskKey& key) {
    if (thread_.busy() && current_ == key) return calls_.cancel_current();
    const auto waiting = std::find_if(tasks_.begin(), tasks_.end(),
                                      [&](const auto& task) { return task.key == key; });
    if (waiting == tasks_.end()) return;  // done already
    tasks_.erase(waiting);
    post(wire::TaskDone{
        .key = key, .code = "cancelled", .message = "stopped by the host before it began"});
  }

  void start_next() {
    if (ended_ || thread_.busy()) return;
    if (!questions_.empty()) {
      auto request = std::make_shared<wire::DecideRequest>(std::move(questions_.front()));
      questions_.pop_front();
      thread_.start([this, request] {
        prepare_thread();
        post(decider_.decide(*request));
      });
    } else if (!tasks_.empty()) {
      auto task = std::make_shared<wire::RunTask>(std::move(tasks_.front()));
      tasks_.pop_front();
      current_ = task->key;
      thread_.start([this, task, id = calls_.begin()] {
        prepare_thread();
        post(runner_.run(*task, id));
      });
    }
  }

  const WorkerOptions& options_;
  HostLink& link_;
  Calls calls_;
  TaskRunner runner_;
  Decider decider_;
  std::deque<wire::RunTask> tasks_;
  std::deque<wire::DecideRequest> questions_;
  std::optional<wire::TaskKey> current_;
  bool ended_ = false;
  bool enclosed_ = false;
  JobThread thread_;  // last: ends before what it uses
};

}  // namespace

int run_worker(const WorkerOptions& options) {
  auto link = HostLink::connect(options.endpoint);
  if (!link) {
    log_error(link.error().text());
    return kHostGone;
  }
  std::unique_ptr<wire::LocalLink> questions;
  if (!options.serving.empty()) {
    auto connected = wire::LocalLink::connect(options.serving);
    if (!connected) {
      log_error(connected.error().text());
      return kHostGone;
    }
    questions = std::move(*connected);
  }
  WorkerLoop loop(options, **link, questions.get());
  const int status = loop.run();
  if (loop.busy()) {
    flush_log();
    std::_Exit(status);
  }
  return status;
}

}  // namespace skerry::runtime
