// The edge's engine: its session with the cloud and its tasks, put together. It has no socket,
// thread, process or clock of its own; a host, or the simulator, lends it those. All calls on the
// loop.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "core/engine/collector.hpp"
#include "core/engine/disk_guard.hpp"
#include "core/engine/edge/link.hpp"
#include "core/engine/edge/tasks.hpp"
#include "core/engine/examiner.hpp"
#include "core/engine/loop.hpp"
#include "core/engine/workers.hpp"

namespace skerry::engine::edge {

class Engine : public Workers::Listener, private Link::Listener {
 public:
  struct World {
    Loop& loop;
    wire::Transport& transport;
    Workers& workers;  // whose listener is this engine
    // Opens blob transfers with the cloud's bulk port and closes those that were open.
    std::function<wire::BlobTransfers*(const Link::Cloud& cloud, const std::string& endpoint)>
        open_transfers;
    // The cloud refuses this node for good; trying again can't help.
    std::function<void(const std::string& message)> refused;
    DiskGuard* disk = nullptr;  // nullptr: nobody watches it
    // Where services' questions go at the cloud.
    std::function<void(const Link::Cloud& cloud, const std::string& endpoint)> open_requests =
        [](const auto&, const auto&) {};
  };

  // `downloads`: a directory for partial downloads, on the store's file system. The database is
  // migrated.
  Engine(World world, Unit& unit, store::BlobStore& blobs, KeyRing keys,
         const std::filesystem::path& downloads);

  // With a token: joins first. Goes on with what is in the database.
  Status start(const std::optional<wire::JoinToken>& token,
               std::chrono::seconds give_up_after = Link::kGiveUpAfter);
  Status renew_key() { return link_.renew_key(); }
  const wire::KeyPair& key() const { return link_.key(); }
  // From the link's socket; inside a unit that all which arrived together shares.
  void handle(const wire::Incoming& incoming) { link_.handle(incoming); }
  // This host ends, and will be back.
  void leave() { link_.leave(); }
  int socket() const { return link_.socket(); }
  const Collector& collector() const { return collector_; }
  // The disk is low, or has space again.
  void disk_changed() { tasks_.resume(); }

  // Workers::Listener
  void task_done(wire::TaskDone done) override { tasks_.done(std::move(done)); }
  void task_progress(const wire::TaskProgress& progress) override { tasks_.progress(progress); }
  void decided(wire::DecideReply) override {}  // edges ask for no decisions

 private:
  // Link::Listener
  void welcomed(const wire::Welcome& welcome) override;
  std::vector<wire::TaskKey> tasks() override { return tasks_.keys(); }
  void awaited(const std::vector<wire::TaskKey>& tasks) override { tasks_.keep_only(tasks); }
  void message(const wire::Received& message) override;
  void delivered(const wire::TaskKey& key) override { tasks_.delivered(key); }
  void refused(const std::string& message) override { world_.refused(message); }

  World world_;
  Examiner examiner_;
  Link link_;
  Tasks tasks_;
  Collector collector_;
  std::uint32_t bulk_port_ = 0, request_port_ = 0;
  std::string bulk_key_;  // public, that the transfers use
  wire::BlobTransfers* transfers_ = nullptr;
};

}  // namespace skerry::engine::edge
