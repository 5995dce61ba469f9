// Tasks: started on a node or on the cloud itself, stopped, finished once, and the artifacts that
// they leave.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/engine/audit.hpp"
#include "core/engine/cloud/job.hpp"
#include "core/engine/cloud/peers.hpp"
#include "core/engine/disk_guard.hpp"
#include "core/engine/examiner.hpp"
#include "core/engine/loop.hpp"
#include "core/engine/unit.hpp"
#include "core/engine/workers.hpp"
#include "core/store/blob_store.hpp"

namespace skerry::engine::cloud {

// The name under which a workflow addresses the cloud's own worker.
inline constexpr const char* kCloudNode = "cloud";

class Tasks {
 public:
  struct Hooks {
    std::function<Job*(const std::string& key)> find_job;
    std::function<void(Job&, Json event)> post;  // inside a unit
    std::function<void(Job&)> changed;
    // Which nodes may ask which jobs' services; all of them each time.
    std::function<void(const std::set<std::pair<std::string, std::string>>& node_and_job)> access;
  };

  Tasks(Loop& loop, Unit& unit, store::BlobStore& blobs, Examiner& examiner, Workers& workers,
        Peers& peers)
      : loop_(loop),
        unit_(unit),
        blobs_(blobs),
        examiner_(examiner),
        workers_(workers),
        peers_(peers) {}
  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
  // While the disk is full the cloud's own tasks wait, and those that fail begin again later.
  void watch(DiskGuard* disk) { disk_ = disk; }
  void disk_changed();

  // The commands of a workflow; inside a unit. A task id that exists already is left alone: asking
  // again changes nothing.
  Status start(Job& job, const Json& command);
  void stop(Job& job, const std::string& task, const std::string& reason);
  // Stops what is open and lets the nodes forget the job; inside a unit.
  void end(Job& job);
  // After a restart of the cloud: its own open tasks begin again; inside a unit.
  void restart_local(Job& job);

  // Tells who may ask services; by itself after each change.
  void publish_access();

  // From the cloud's own workers.
  void local_done(wire::TaskDone done);
  void local_progress(const wire::TaskProgress& progress);

  // From nodes; see Peers::Listener.
  void remote_message(const std::string& node, const wire::Received& message,
                      std::function<void()> done);
  void remote_progress(const std::string& node, const wire::TaskReported& report);
  std::vector<wire::TaskKey> open_on(const std::string& node);
  void reconcile(const std::string& node, const std::vector<wire::TaskKey>& has,
                 std::uint64_t acked);

  // Its open tasks are lost; inside a unit.
  void abandon(const std::string& node, const std::string& reason);

  // What its tasks on the cloud loaded: "id version digest file" each.
  Json loaded_plugins(const Job& job);

  // Inside a unit: what the node stores under this digest stays until its open tasks close. False:
  // it has none.
  bool pin_for(const std::string& node, const Digest& digest);
  // Whether an open task of the node needs or brings it.
  bool brings(const std::string& node, const Digest& digest);

  // Are these artifacts of the job, stored here, well formed and finite? `done` may be called
  // before this returns.
  void examine_models(const Job& job, const std::vector<Digest>& models,
                      std::function<void(Verdict)> done);

  // Gives up the artifacts that neither the workflow's state, an undecided event, an open task nor
  // a published model names; inside a unit.
  void release_artifacts(Job& job);
  void release_all(Job& job);

 private:
  struct Task {
    std::string node;
    std::string kind;
    std::string state;
    std::string params;
    Json inputs;                   // name -> digest
    Json expects;                  // output -> digest of the artifact that it must look like
    std::int64_t deadline_ms = 0;  // of its run; 0: none
    Json limits;                   // what its outputs must keep to; see examiner.hpp
    wire::Serving serves;
    Json slots;  // the places of the spec whose files it needs; none: all
  };

  void access_may_have_changed();
  void reported(Job& job, const std::string& id, double progress,
                const std::map<std::string, double>& metrics);
  // May the node say this of the task? If not, it is told, and the log as well.
  bool may(const std::string& node, wire::Type type, const wire::TaskKey& key);
  std::optional<Task> load(const Job& job, const std::string& id);
  // What is wrong where the store lacks one; none: it has them all.
  std::optional<std::string> absent_input(const Task& task);
  // Of the files shipped with the job those that the task needs.
  static std::set<Digest> attachments_of(const Job& job, const Task& task);
  Status send_to_node(Job& job, const std::string& id, const Task& task);
  Status run_here(Job& job, const std::string& id, const Task& task);
  void close(Job& job, const std::string& id, const char* state, const std::string& message);
  void remote_finished(const std::string& node, wire::TaskFinished finished,
                       std::function<void()> done);
  void remote_failed(const std::string& node, const wire::TaskFailed& failed,
                     std::function<void()> done);
  void remote_malformed(const std::string& node, const wire::Received& message,
                        const Problem& problem, const std::function<void()>& done);
  tl::expected<std::vector<Exhibit>, Verdict> look_over(const Job& job, const Task& task,
                                                        const wire::TaskFinished& what);
  void count_or_refuse(const std::string& node, const wire::TaskFinished& what,
                       const Verdict& verdict);
  std::vector<store::BlobRef> files_of(const Job& job, const Task& task);
  void finished(Job& job, const std::string& id, const Task& task, wire::TaskFinished what,
                const Verdict& verdict);
  bool keep_clipped(wire::Artifact& output, const Clipped& clipped);
  void failed(Job& job, const std::string& id, const Task& task, const std::string& code,
              const std::string& message);
  void refuse(const std::string& node, const wire::TaskKey& key, const Verdict& verdict);
  static std::optional<Verdict> not_awaited(const std::optional<Task>& task);
  void discard(const wire::TaskFinished& what, const Verdict& verdict);
  Result<Content> content(const Digest& digest);
  tl::expected<std::vector<Exhibit>, Verdict> exhibits(
      const Job& job, const std::string& id, const Task& task,
      const std::map<std::string, Content>& outputs, const std::string& result);
  void hold(Job& job, const Digest& digest);
  void drop_unless_held(const Digest& digest);
  void pin(std::int64_t job, const std::string& task, const Digest& digest);
  void unpin(std::int64_t job, const std::string& task);
  void unpin_all(std::int64_t job);
  bool is_open(const Job& job, const std::string& id);
  bool wait_for_space(const wire::TaskKey& key);

  void note_refusal(const std::string& node, const wire::TaskKey& key, const Verdict& verdict);

  Loop& loop_;
  Unit& unit_;
  store::BlobStore& blobs_;
  Examiner& examiner_;
  Workers& workers_;
  Peers& peers_;
  Hooks hooks_;
  DiskGuard* disk_ = nullptr;
  std::set<wire::TaskKey> waiting_for_space_;
  bool access_changed_ = false;
  std::set<std::pair<std::string, std::string>> access_;
  std::map<wire::TaskKey, Loop::Clock::time_point> told_;  // workflows, of tasks that serve
  AuditLimit refusals_{60, std::chrono::seconds(60)};      // of a node
};

}  // namespace skerry::engine::cloud
