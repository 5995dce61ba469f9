// The job machine: events in, the workflow's decision, commands out.
//
// An event is a row before anything is done about it. The workflow, a pure function in a worker of
// its own, is asked about all undecided events at once; its new state, its commands and the count
// of decided events are stored in one unit; only after the commit do tasks start and messages
// leave. After a crash the same question is asked again.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/engine/cloud/job.hpp"
#include "core/engine/cloud/tasks.hpp"
#include "core/engine/disk_guard.hpp"
#include "core/engine/loop.hpp"
#include "core/engine/unit.hpp"
#include "core/engine/workers.hpp"

namespace skerry::engine::cloud {

class Machine {
 public:
  Machine(Loop& loop, Unit& unit, Workers& workers, Tasks& tasks);

  // While the disk is full nothing is stored that can wait, and no decision is asked for while not
  // even its reserve is left: it could not be stored.
  void watch(DiskGuard* disk) { disk_ = disk; }

  // Loads what has not finished and goes on with it. Once, at start.
  void recover();

  struct NewJob {
    std::string name;
    std::string kind;
    std::string text;   // as the user wrote it
    std::string actor;  // who applied it, for the audit log
    Json plan;
    std::vector<Digest> shipped;
  };
  // Inside a unit. The name must be free.
  void create(NewJob job, const std::vector<std::string>& nodes);

  // Inside a unit.
  void post(Job& job, Json event);
  // To every job that runs.
  void post_to_all(const Json& event);

  void decided(wire::DecideReply reply);

  // Stops a job that runs; in a unit.
  void stop(Job& job, const std::string& message);
  // Takes a finished job away with all that it holds; in a unit.
  void remove(Job& job);

  Job* find(const std::string& name);
  Job* find_key(const std::string& key);
  const std::map<std::string, std::unique_ptr<Job>>& jobs() const { return jobs_; }

  // Called when a job's records, phase or progress changed, after the commit.
  void on_change(std::function<void(Job&)> observer) { observer_ = std::move(observer); }
  void changed(Job& job);

 private:
  Job& load(std::int64_t id);
  void ask(Job& job);
  void ask_later();
  bool wait_for_space(Job& job, const wire::DecideReply& reply);
  void store(Job& job, std::string state, const Json& commands);
  void forget_events(const Job& job, std::int64_t from);
  // `age`: of this machine, once `wait` is over.
  void keep_time(Loop::Clock::duration wait, Loop::Clock::duration age);

  // The commands; each throws Json::exception when it is malformed.
  void apply(Job& job, const Json& command);
  void start_task(Job& job, const Json& command);
  void stop_task(Job& job, const Json& command);
  void set_timer(Job& job, const Json& command);
  void cancel_timer(Job& job, const Json& command);
  void publish(Job& job, const Json& command);
  void tell_status(Job& job, const Json& command);
  void report(Job& job, const Json& command);
  void note(Job& job, const Json& command);
  void finish_as_decided(Job& job, const Json& command);

  void fail(Job& job, const std::string& message);
  void finish(Job& job, const std::string& phase, const std::string& message);
  void set_status(Job& job, const std::string& phase, const std::string& message);
  void arm_timers();
  void fire_timers();

  Loop& loop_;
  Unit& unit_;
  Workers& workers_;
  Tasks& tasks_;
  DiskGuard* disk_ = nullptr;
  std::unique_ptr<Loop::Alarm> alarm_, time_alarm_;
  std::unique_ptr<Loop::Alarm> ask_again_;            // while the disk is full
  std::map<std::string, std::unique_ptr<Job>> jobs_;  // by name; finished ones too
  std::function<void(Job&)> observer_;
};

}  // namespace skerry::engine::cloud
