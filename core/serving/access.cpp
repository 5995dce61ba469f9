#include "core/serving/access.hpp"

namespace skerry::serving {

void Access::replace(std::set<std::pair<std::string, std::string>> node_and_job) {
  const std::lock_guard lock(mutex_);
  allowed_ = std::move(node_and_job);
}

bool Access::may_ask(const std::string& node, const std::string& job) const {
  const std::lock_guard lock(mutex_);
  return allowed_.contains({node, job});
}

}  // namespace skerry::serving
