// Workers that take virtual time, and die now and then.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "core/engine/workers.hpp"
#include "host.hpp"

namespace skerry::simulator {

struct WorkerHabits {
  double slowest = 2;  // seconds that a task takes at most
  double deaths = 0;   // of tasks
  std::size_t floats = 4;
};

class SimulatedWorkers : public engine::Workers {
 public:
  SimulatedWorkers(VirtualTime& time, HostLoop& loop, const WorkerHabits& habits,
                   std::filesystem::path outputs, Listener& listener)
      : time_(time),
        loop_(loop),
        habits_(habits),
        outputs_(std::move(outputs)),
        listener_(listener) {}

  void run(wire::RunTask task) override;
  void cancel(const wire::TaskKey& key) override;
  void decide(wire::DecideRequest request) override;
  void forget(const std::string& job) override;
  void keep_only(const std::set<std::string>&) override {}

 private:
  void finish(wire::TaskDone done);

  VirtualTime& time_;
  HostLoop& loop_;
  const WorkerHabits& habits_;
  std::filesystem::path outputs_;
  Listener& listener_;
  std::map<wire::TaskKey, std::uint64_t> open_;  // and which try
  std::map<std::string, std::uint64_t> asked_;   // jobs with a question
  std::uint64_t count_ = 0;
};

}  // namespace skerry::simulator
