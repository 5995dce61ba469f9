#include "core/runtime/job.hpp"

#include "core/base/try.hpp"

namespace skerry::runtime {

Result<skerry_feature> Job::open(std::string_view slot) {
  SKERRY_ASSIGN(const Instance* instance, features_.open_slot(slot));
  return traced_.try_emplace(instance, *instance).first->second.get();
}

Result<Job*> CurrentJob::open(const std::string& plan, const std::string& node) {
  if (job_ && plan == plan_ && node == node_) return job_.get();
  job_.reset();
  SKERRY_ASSIGN(auto parsed, Plan::parse(plan));
  job_ = std::make_unique<Job>(std::move(parsed), node, threads_, calls_);
  plan_ = plan;
  node_ = node;
  return job_.get();
}

}  // namespace skerry::runtime
