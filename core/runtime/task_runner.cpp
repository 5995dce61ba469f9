#include "core/runtime/task_runner.hpp"

#include <fmt/format.h>
#include <time.h>

#include <exception>
#include <filesystem>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/base/units.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/memory_watch.hpp"
#include "core/runtime/sink.hpp"

namespace skerry::runtime {
namespace {

double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Status check_result(const std::string& text, const Instance& task) {
  if (text.empty()) return {};
  const auto json = parse_json(text);
  if (json && json->is_object()) return {};
  return fail(Code::internal, fmt::format("{} gave a result that is no JSON object: {}", task.who(),
                                          text.substr(0, 80)));
}

// Plugins are given a path. What came inside of the message becomes a file, once, for as long as
// the worker's folder stays.
Result<std::filesystem::path> file_of(const wire::TaskInput& attachment,
                                      const std::filesystem::path& folder) {
  if (!attachment.path.empty()) {
    SKERRY_TRY(check_inputs({&attachment}, 1));
    return attachment.path;
  }
  const auto file = folder / attachment.name;
  std::error_code error;
  if (!std::filesystem::exists(file, error))
    SKERRY_TRY(write_file_durably(file, as_bytes(attachment.data)));
  return file;
}

}  // namespace

wire::TaskDone TaskRunner::run(const wire::RunTask& task, std::uint64_t call_id) {
  wire::TaskDone done{.key = task.key};
  const double wall = seconds(CLOCK_MONOTONIC);
  const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  Status status;
  try {
    status = run(task, call_id, done);
  } catch (const std::bad_alloc&) {
    status = fail(Code::data_loss, "out of memory");
  } catch (const std::exception& exception) {
    status = fail(Code::internal, exception.what());
  }
  done.run_seconds = seconds(CLOCK_MONOTONIC) - wall;
  done.cpu_seconds = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  done.ok = status.has_value();
  if (!status) {
    const Problem& problem = status.error();
    done.code = status_name(to_abi(problem.code));
    done.field = problem.field;
    done.message = problem.where.empty() ? problem.message : problem.where + ": " + problem.message;
    const auto line =
        fmt::format("task {} failed ({}): {}", task.key.task, done.code, problem.text());
    if (memory_ran_out()) {
      done.code = "out_of_memory";
      done.message += fmt::format("; this worker may use {} of memory (the host's --worker-memory)",
                                  format_bytes(memory_limit()));
    }
    problem.code == Code::cancelled ? log_info(line) : log_error(line);
  }
  if (job_.get()) done.plugins = job_.get()->features().loaded();
  return done;
}

Status TaskRunner::run(const wire::RunTask& task, std::uint64_t call_id, wire::TaskDone& done) {
  SKERRY_ASSIGN(Job * job, job_.open(task.plan, task.node));
  for (const auto& plugin : task.plugins) job->features().pin(plugin);
  for (const auto& attachment : task.attachments) {
    SKERRY_ASSIGN(auto file, file_of(attachment, task.output_dir));
    job->features().add_artifact(attachment.name, std::move(file));
  }
  SKERRY_ASSIGN(const Instance* instance, job->features().open_feature("task/1", task.kind));

  TaskContext context(*job, task, call_id, progress_, link_);
  StringSink result;
  const auto calling = instance->calling("run");
  const auto status = call(instance->who(), [&](skerry_error* error) {
    return instance->as<skerry_task_v1>().run(instance->get(), call_id, abi_bytes(task.params),
                                              result.get(), error);
  });
  done.metrics = context.metrics();
  SKERRY_TRY(status);
  SKERRY_TRY(check_result(result.text(), *instance));
  done.result = std::move(result.text());
  done.outputs = context.take_outputs();
  return {};
}

}  // namespace skerry::runtime
