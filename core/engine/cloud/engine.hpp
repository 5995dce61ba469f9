// The cloud's engine: all that records and decides, put together. It has no socket, thread, process
// or clock of its own; a host, or the simulator, lends it those. All calls on the loop.
#pragma once

#include <filesystem>

#include "core/engine/cloud/blob_access.hpp"
#include "core/engine/cloud/machine.hpp"
#include "core/engine/cloud/nodes.hpp"
#include "core/engine/cloud/peers.hpp"
#include "core/engine/cloud/tasks.hpp"
#include "core/engine/collector.hpp"
#include "core/engine/disk_guard.hpp"
#include "core/engine/examiner.hpp"
#include "core/engine/loop.hpp"
#include "core/engine/workers.hpp"

namespace skerry::engine::cloud {

class Engine : public Workers::Listener, private Peers::Listener {
 public:
  struct World {
    Loop& loop;
    wire::Transport& transport;
    Workers& workers;  // whose listener is this engine
    Nodes::Publish publish_keys;
    DiskGuard* disk = nullptr;  // nullptr: nobody watches it
    // Which nodes may ask which jobs' services.
    std::function<void(const std::set<std::pair<std::string, std::string>>&)> publish_access =
        [](const auto&) {};
  };

  // `uploads`: a directory for partial uploads, on the store's file system. The database is
  // migrated.
  Engine(World world, Unit& unit, store::BlobStore& blobs, const std::filesystem::path& uploads);

  // Lets the known nodes in and goes on with the jobs. `control_socket`: of the transport.
  void start(int control_socket, const Peers::Options& options);
  // From the control socket; inside a unit that all which arrived together shares.
  void handle(const wire::Incoming& incoming) { peers_.handle(incoming); }

  // The disk is low, or has space again.
  void disk_changed();

  Nodes& nodes() { return nodes_; }
  Peers& peers() { return peers_; }
  Machine& machine() { return machine_; }
  BlobAccess& blob_access() { return blob_access_; }
  const Collector& collector() const { return collector_; }

  // Workers::Listener
  void task_done(wire::TaskDone done) override { tasks_.local_done(std::move(done)); }
  void task_progress(const wire::TaskProgress& progress) override {
    tasks_.local_progress(progress);
  }
  void decided(wire::DecideReply reply) override { machine_.decided(std::move(reply)); }

 private:
  // Peers::Listener
  void node_online(const std::string& node) override;
  void node_offline(const std::string& node) override;
  void node_revoked(const std::string& node) override;
  std::vector<wire::TaskKey> open_tasks(const std::string& node) override;
  void reconcile(const std::string& node, const std::vector<wire::TaskKey>& has,
                 std::uint64_t acked) override;
  void message(const std::string& node, const wire::Received& message,
               std::function<void()> done) override;
  void progress(const std::string& node, const wire::TaskReported& report) override;

  Examiner examiner_;
  Nodes nodes_;
  Peers peers_;
  Tasks tasks_;
  Machine machine_;
  BlobAccess blob_access_;
  Collector collector_;
};

}  // namespace skerry::engine::cloud
