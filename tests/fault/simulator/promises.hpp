// Looks whether the hosts keep their promises, at each frame that leaves one and when a job has
// ended.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/store/database.hpp"
#include "host.hpp"

namespace skerry::simulator {

class Promises {
 public:
  // Only what is durable may be acknowledged.
  void frame_left(const Host& from, const std::string& node, const std::string& frame);
  // Nothing may be acknowledged that never came.
  void frame_arrived(const Host& to, const std::string& node, const std::string& frame);
  // What this node says and hears proves nothing.
  void distrust(std::string node) { distrusted_ = std::move(node); }
  // Results of a node that its jobs have had.
  std::uint64_t results_of(const Host& cloud, const std::string& node);
  // A host's database will be opened anew; as when its files are replaced.
  void forget(const Host& host) { databases_.erase(host.name()); }

  std::uint64_t nodes_joined(const Host& cloud) {
    return number(cloud, "SELECT count(*) FROM node");
  }

  // For people.
  std::string state_of_jobs(const Host& cloud);

  // The cloud has no unit open. rounds: how many the job must have had.
  void job_ended(const Host& cloud, const std::string& job, int rounds, std::size_t floats);

  const std::vector<std::string>& broken() const { return broken_; }
  void broke(std::string what) { broken_.push_back(std::move(what)); }

 private:
  store::Database& database(const Host& host);
  std::uint64_t number(const Host& host, const std::string& sql, const std::string& name = "");
  // The numbers that reached the cloud from one outbox.
  struct Uplink {
    std::set<std::uint64_t> arrived;
    std::uint64_t whole = 0;  // all up to here
  };

  void check_task_once(store::Database& database, std::int64_t job);
  void check_rounds(store::Database& database, std::int64_t job, const Host& cloud, int rounds,
                    std::size_t floats);

  std::map<std::string, std::unique_ptr<store::Database>> databases_;
  std::map<std::string, std::string> outbox_;  // of a node's last greeting
  std::map<std::string, Uplink> uplinks_;      // by outbox
  std::string distrusted_;
  std::vector<std::string> broken_;
};

}  // namespace skerry::simulator
