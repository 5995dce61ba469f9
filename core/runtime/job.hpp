#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "core/base/result.hpp"
#include "core/runtime/calls.hpp"
#include "core/runtime/data_loader.hpp"
#include "core/runtime/feature_pool.hpp"
#include "core/runtime/plan.hpp"
#include "core/runtime/services.hpp"
#include "core/runtime/traced_feature.hpp"

namespace skerry::runtime {

// What a worker keeps of its job from call to call: plugin instances and rows in memory.
class Job final : public HostServices {
 public:
  Job(Plan plan, const std::string& node, std::uint32_t threads, const Calls& calls)
      : plan_(std::move(plan)),
        threads_(threads),
        calls_(calls),
        features_(plan_, node, *this),
        data_(features_, plan_.seed) {}

  const Plan& plan() const { return plan_; }
  FeaturePool& features() { return features_; }
  DataLoader& data() { return data_; }
  void set_task(TaskServices* task) { task_ = task; }

  std::uint32_t threads() const override { return threads_; }
  bool cancelled(std::uint64_t call_id) const override { return calls_.cancelled(call_id); }
  Result<skerry_feature> open(std::string_view slot) override;
  TaskServices* task() override { return task_; }

 private:
  const Plan plan_;
  const std::uint32_t threads_;
  const Calls& calls_;
  std::atomic<TaskServices*> task_ = nullptr;
  FeaturePool features_;
  DataLoader data_;
  std::map<const Instance*, TracedFeature> traced_;
};

// The job that a worker works on. A worker serves one job on one node; should another plan come,
// the old job's instances are destroyed first.
class CurrentJob {
 public:
  CurrentJob(std::uint32_t threads, const Calls& calls) : threads_(threads), calls_(calls) {}
  Result<Job*> open(const std::string& plan, const std::string& node);
  Job* get() const { return job_.get(); }

 private:
  const std::uint32_t threads_;
  const Calls& calls_;
  std::string plan_, node_;
  std::unique_ptr<Job> job_;
};

}  // namespace skerry::runtime
