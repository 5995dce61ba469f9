#include "core/engine/cloud/engine.hpp"

namespace skerry::engine::cloud {
namespace {

constexpr std::string_view kBlobIsNeeded =
    "EXISTS (SELECT 1 FROM artifact WHERE artifact.digest = blob.digest) OR "
    "EXISTS (SELECT 1 FROM model WHERE model.digest = blob.digest) OR "
    "EXISTS (SELECT 1 FROM pin WHERE pin.digest = blob.digest)";

}  // namespace

Engine::Engine(World world, Unit& unit, store::BlobStore& blobs,
               const std::filesystem::path& uploads)
    : examiner_(world.loop),
      nodes_(unit, std::move(world.publish_keys)),
      peers_(world.loop, unit, world.transport, nodes_, *this),
      tasks_(world.loop, unit, blobs, examiner_, world.workers, peers_),
      machine_(world.loop, unit, world.workers, tasks_),
      blob_access_(world.loop, unit, blobs, tasks_, examiner_, uploads),
      collector_(
          world.loop, unit, blobs,
          {.blob = kBlobIsNeeded, .partials = uploads, .partial = [this](const std::string& name) {
             return blob_access_.needs_partial(name);
           }}) {
  tasks_.set_hooks({.find_job = [this](const std::string& key) { return machine_.find_key(key); },
                    .post = [this](Job& job, Json event) { machine_.post(job, std::move(event)); },
                    .changed = [this](Job& job) { machine_.changed(job); },
                    .access = std::move(world.publish_access)});
  peers_.watch(world.disk);
  tasks_.watch(world.disk);
  machine_.watch(world.disk);
  blob_access_.watch(world.disk);
}

void Engine::disk_changed() {
  peers_.disk_changed();
  tasks_.disk_changed();
}

void Engine::start(int control_socket, const Peers::Options& options) {
  peers_.start(control_socket, options);
  nodes_.publish_keys();
  machine_.recover();
  tasks_.publish_access();
  collector_.start();
}

void Engine::node_online(const std::string& node) {
  machine_.post_to_all({{"type", "NodeJoined"}, {"node", node}});
}

void Engine::node_offline(const std::string& node) {
  machine_.post_to_all({{"type", "NodeLost"}, {"node", node}});
}

// Also of one that is not online now: jobs may still count on it, as after a restart of this host.
void Engine::node_revoked(const std::string& node) {
  machine_.post_to_all({{"type", "NodeLost"}, {"node", node}});
  tasks_.abandon(node, "the node was revoked");
}

std::vector<wire::TaskKey> Engine::open_tasks(const std::string& node) {
  return tasks_.open_on(node);
}

void Engine::reconcile(const std::string& node, const std::vector<wire::TaskKey>& has,
                       std::uint64_t acked) {
  tasks_.reconcile(node, has, acked);
}

void Engine::message(const std::string& node, const wire::Received& message,
                     std::function<void()> done) {
  tasks_.remote_message(node, message, std::move(done));
}

void Engine::progress(const std::string& node, const wire::TaskReported& report) {
  tasks_.remote_progress(node, report);
}

}  // namespace skerry::engine::cloud
