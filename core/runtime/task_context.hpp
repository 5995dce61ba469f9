#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/runtime/artifacts.hpp"
#include "core/runtime/job.hpp"
#include "core/runtime/services.hpp"
#include "core/wire/local_link.hpp"
#include "core/wire/messages.hpp"

namespace skerry::runtime {

// One task while it runs: its inputs, outputs and metrics. Output files that nobody takes over are
// removed.
class TaskContext final : public TaskServices {
 public:
  using Progress = std::function<void(const wire::TaskProgress&)>;  // any thread

  // `task` must outlive this. The job's plugins see this as their task until it is destroyed.
  // `link`: of a task that serves; null for others.
  TaskContext(Job& job, const wire::RunTask& task, std::uint64_t call_id, Progress progress,
              wire::LocalLink* link = nullptr);
  ~TaskContext() override;

  std::map<std::string, double> metrics() const;
  std::vector<wire::TaskOutput> take_outputs();

  Result<const char*> input_path(std::string_view name) override;
  Result<const std::vector<skerry_named_tensor>*> input_tensors(std::string_view name) override;
  Status write_tensors(std::string_view name, const skerry_named_tensor* tensors,
                       std::uint64_t count) override;
  Result<const skerry_data*> load_data(const LoadRequest& request) override;
  Status aggregate(const AggregateRequest& request) override;
  Status serve(std::string_view settings) override;
  void metric(std::string_view name, double value) override;
  void progress(double fraction) override;

 private:
  Result<const wire::TaskInput*> input(std::string_view name) const;
  Status check_output(std::string_view name) const;
  std::filesystem::path new_file();

  Job& job_;
  const wire::RunTask& task_;
  const std::uint64_t call_id_;
  const Progress progress_;
  wire::LocalLink* const link_;
  std::map<std::string, std::unique_ptr<InputTensors>, std::less<>> tensors_;
  std::map<std::string, std::string, std::less<>> paths_;  // of inputs that came without a file
  std::vector<std::filesystem::path> files_;  // made by this task, outputs not included
  std::vector<wire::TaskOutput> outputs_;
  mutable std::mutex mutex_;  // of what follows
  std::map<std::string, double> metrics_;
  std::chrono::steady_clock::time_point last_progress_;
};

}  // namespace skerry::runtime
