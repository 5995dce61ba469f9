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
        workers(host.time_, loop, host.habits_, blobs.staging_dir(), listener),
        engine({.loop = loop,
                .transport = *transport,
                .workers = workers,
                .open_transfers = [this](const auto&, const auto&) { return &transfers; },
                .refused = [&host](const std::string& message) { host.refusal_ = message; }},
               unit, blobs, *host.key_, host.state() / "downloads") {}

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
  SimulatedWorkers workers;
  engine::edge::Engine engine;
};

EdgeHost::EdgeHost(VirtualTime& time, Network& network, CloudHost& cloud,
                   const WorkerHabits& habits, std::string name, std::filesystem::path state)
    : Host(time, std::move(name), std::move(state)),
      network_(network),
      cloud_(cloud),
      habits_(habits),
      key_(must(wire::KeyPair::generate())) {
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

void EdgeHost::receive(std::vector<wire::Incoming> batch) {
  const engine::Unit::Scope scope(life_->unit);
  for (const auto& incoming : batch)
    if (incoming.socket == life_->engine.socket()) life_->engine.handle(incoming);
}

void EdgeHost::task_done(wire::TaskDone done) {
  life_->engine.task_done(std::move(done));
}

}  // namespace skerry::simulator
