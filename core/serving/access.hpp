#pragma once

#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace skerry::serving {

// Which node may ask which job's service: one that serves it itself. Any thread.
class Access {
 public:
  void replace(std::set<std::pair<std::string, std::string>> node_and_job);
  bool may_ask(const std::string& node, const std::string& job) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::pair<std::string, std::string>> allowed_;
};

}  // namespace skerry::serving
