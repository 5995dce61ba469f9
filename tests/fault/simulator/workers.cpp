#include "workers.hpp"

#include "core/base/file.hpp"
#include "core/engine/unit.hpp"
#include "core/runtime/decider.hpp"
#include "work.hpp"

namespace skerry::simulator {
namespace {

// Workflows are pure: one instance serves all jobs of one plan, whatever host asks.
wire::DecideReply ask(const wire::DecideRequest& request) {
  static std::map<std::string, runtime::Decider>& deciders =
      *new std::map<std::string, runtime::Decider>;
  static const runtime::Calls calls;
  auto found = deciders.find(request.plan);
  if (found == deciders.end()) found = deciders.try_emplace(request.plan, 1, calls).first;
  return found->second.decide(request);
}

}  // namespace

void SimulatedWorkers::run(wire::RunTask task) {
  task.output_dir = outputs_.string();
  const std::uint64_t number = ++count_;
  open_[task.key] = number;
  const bool dies = time_.chance(habits_.deaths);
  loop_.later(time_.between(0.001, habits_.slowest), [this, number, dies, task = std::move(task)] {
    const auto found = open_.find(task.key);
    if (found == open_.end() || found->second != number) return;
    if (!dies) return finish(perform(task, habits_.floats));
    wire::TaskDone done;
    done.key = task.key;
    done.code = "crashed";
    done.message = "its worker ended";
    finish(std::move(done));
  });
}

void SimulatedWorkers::finish(wire::TaskDone done) {
  open_.erase(done.key);
  listener_.task_done(std::move(done));
}

void SimulatedWorkers::cancel(const wire::TaskKey& key) {
  if (open_.erase(key) == 0) return;
  wire::TaskDone done;
  done.key = key;
  done.code = "cancelled";
  loop_.post([this, done] { listener_.task_done(done); });
}

void SimulatedWorkers::decide(wire::DecideRequest request) {
  const std::uint64_t number = ++count_;
  asked_[request.job] = number;
  loop_.later(time_.between(0, 0.02), [this, number, request = std::move(request)] {
    const auto found = asked_.find(request.job);
    if (found == asked_.end() || found->second != number) return;
    asked_.erase(found);
    listener_.decided(ask(request));
  });
}

void SimulatedWorkers::forget(const std::string& job) {
  std::erase_if(open_, [&](const auto& entry) { return entry.first.job == job; });
  asked_.erase(job);
}

}  // namespace skerry::simulator
