#pragma once

#include <cstdint>

#include "core/runtime/calls.hpp"
#include "core/runtime/job.hpp"
#include "core/runtime/task_context.hpp"
#include "core/wire/messages.hpp"

namespace skerry::runtime {

// Runs the tasks of a job, one after the other; plugin instances stay from task to task. One
// thread.
class TaskRunner {
 public:
  // `link`: of a worker that serves; null for others.
  TaskRunner(std::uint32_t threads, const Calls& calls, TaskContext::Progress progress,
             wire::LocalLink* link = nullptr)
      : job_(threads, calls), progress_(std::move(progress)), link_(link) {}

  // `call_id`: what plugins ask about when they want to know whether to stop.
  wire::TaskDone run(const wire::RunTask& task, std::uint64_t call_id);

 private:
  Status run(const wire::RunTask& task, std::uint64_t call_id, wire::TaskDone& done);

  CurrentJob job_;
  TaskContext::Progress progress_;
  wire::LocalLink* link_;
};

}  // namespace skerry::runtime
