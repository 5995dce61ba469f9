#include "edge_host.hpp"

#include "core/base/file.hpp"
#include "core/engine/edge/tables.hpp"
#include "core/engine/unit.hpp"
#include "transfers.hpp"

namespace skerry::simulator {

using engine::must;

struct EdgeHost::Life {
  Life(EdgeHost& host, engine::Workers::Listener& listener)
      : database(must(store::Database::open(host.state() / "edge.db"))),
        unit(database),
        loop(host.time_, host),
        transport(host.network_.transport(host)),
        transfers(host.time_, loop, host.network_, host, host.cloud_, 1),
        blobs(open_blobs(host, database)),
        disk(host.disk_options()),
        workers(host.time_, loop, host.habits_, blobs.staging_dir(), listener),
        engine({.loop = loop,
                .transport = *transport,
                .workers = workers,
                .open_transfers = [this](const auto&, const auto&) { return &transfers; },
                .refused = [&host](const std::string& message) { host.refusal_ = message; },
                .disk = &disk},
               unit, blobs, must(engine::edge::KeyRing::open(host.state() / "edge.key")),
               host.state() / "downloads") {
    unit.before_commit([this] { disk.make_room(); });
    disk.on_change([this] { engine.disk_changed(); });
  }

  static store::BlobStore open_blobs(EdgeHost& host, store::Database& database) {
    must(database.migrate(engine::edge::kMigrations));
    must(make_directories(host.state() / "downloads"));
    auto blobs = must(store::BlobStore::open(database, host.state() / "blobs"));
    must(blobs.sweep());
    return blobs;
  }

  store::Database database;
  engine::Unit unit;
  HostLoop loop;
  std::unique_ptr<wire::Transport> transport;
  SimulatedTransfers transfers;
  store::BlobStore blobs;
  engine::DiskGuard disk;
  SimulatedWorkers workers;
  engine::edge::Engine engine;
};

EdgeHost::EdgeHost(VirtualTime& time, Network& network, CloudHost& cloud,
                   const WorkerHabits& habits, std::string name, std::filesystem::path state)
    : Host(time, std::move(name), std::move(state)),
      network_(network),
      cloud_(cloud),
      habits_(habits) {
  must(make_directories(this->state()));
}

EdgeHost::~EdgeHost() = default;

void EdgeHost::open() {
  life_ = std::make_unique<Life>(*this, static_cast<engine::Workers::Listener&>(*this));
  must(life_->engine.start(token_));
}

void EdgeHost::close() {
  network_.gone(*this);
  life_.reset();
}

void EdgeHost::look_at_disk() {
  life_->disk.look();
}

void EdgeHost::renew_key() {
  enter(life(), [this] { must(life_->engine.renew_key()); });
}

void EdgeHost::receive(std::vector<wire::Incoming> batch) {
  const engine::Unit::Scope scope(life_->unit);
  for (const auto& incoming : batch)
    if (incoming.socket == life_->engine.socket()) life_->engine.handle(incoming);
}

void EdgeHost::task_done(wire::TaskDone done) {
  life_->engine.task_done(std::move(done));
}

}  // namespace skerry::simulator
