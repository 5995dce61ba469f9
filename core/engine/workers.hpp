// How an engine has its tasks and decisions done: by workers, which run plugins. All calls on the
// loop.
#pragma once

#include <set>
#include <string>

#include "core/wire/messages.hpp"

namespace skerry::engine {

class Workers {
 public:
  // Every run() is answered by one task_done, every decide() by one decided, also when the worker
  // dies; but not after forget(). Never from within the call.
  class Listener {
   public:
    virtual ~Listener() = default;
    // The files of outputs are out of the worker's reach and of the size that it says; nobody has
    // read them yet, so their digests are a plugin's word: check_file_of() in worker_outputs.hpp.
    // They stay until forget(), or until the listener moves them.
    virtual void task_done(wire::TaskDone done) = 0;
    virtual void task_progress(const wire::TaskProgress& progress) = 0;
    virtual void decided(wire::DecideReply reply) = 0;
  };

  virtual ~Workers() = default;
  // Tasks of a job run one after the other. output_dir and plugins are filled in here. A task that
  // runs longer than its deadline_ms is ended with its worker and fails with code "timeout".
  virtual void run(wire::RunTask task) = 0;
  // A running task is asked to stop, a waiting one is dropped; either is answered with code
  // "cancelled".
  virtual void cancel(const wire::TaskKey& key) = 0;
  virtual void decide(wire::DecideRequest request) = 0;
  // Ends the job's workers.
  virtual void forget(const std::string& job) = 0;
  // At start: these jobs go on, and nothing is kept for any other.
  virtual void keep_only(const std::set<std::string>& jobs) = 0;
};

}  // namespace skerry::engine
