#include "cloud_host.hpp"

#include "core/base/file.hpp"
#include "core/engine/cloud/tables.hpp"
#include "core/engine/unit.hpp"

namespace skerry::simulator {

using engine::must;

struct CloudHost::Life {
  Life(CloudHost& host, VirtualTime& time, Network& network, const WorkerHabits& habits,
       engine::Workers::Listener& listener)
      : database(must(store::Database::open(host.state() / "cloud.db"))),
        unit(database),
        loop(time, host),
        transport(network.transport(host)),
        blobs(open_blobs(host, database)),
        disk(host.disk_options()),
        workers(time, loop, habits, blobs.staging_dir(), listener),
        engine({.loop = loop,
                .transport = *transport,
                .workers = workers,
                .publish_keys = [&network](auto keys) { network.set_keys(std::move(keys)); },
                .disk = &disk},
               unit, blobs, host.state() / "uploads") {
    unit.before_commit([this] { disk.make_room(); });
    disk.on_change([this] { engine.disk_changed(); });
  }

  static store::BlobStore open_blobs(CloudHost& host, store::Database& database) {
    must(database.migrate(engine::cloud::kMigrations));
    must(make_directories(host.state() / "uploads"));
    auto blobs = must(store::BlobStore::open(database, host.state() / "blobs"));
    must(blobs.sweep());
    return blobs;
  }

  store::Database database;
  engine::Unit unit;
  HostLoop loop;
  std::unique_ptr<wire::Transport> transport;
  store::BlobStore blobs;
  engine::DiskGuard disk;
  SimulatedWorkers workers;
  engine::cloud::Engine engine;
};

CloudHost::CloudHost(VirtualTime& time, Network& network, const WorkerHabits& habits,
                     std::filesystem::path state)
    : Host(time, "cloud", std::move(state)), network_(network), habits_(habits) {
  must(make_directories(this->state()));
}

CloudHost::~CloudHost() = default;

void CloudHost::open() {
  life_ = std::make_unique<Life>(*this, time_, network_, habits_,
                                 static_cast<engine::Workers::Listener&>(*this));
  std::string epoch;
  {
    const engine::Unit::Scope scope(life_->unit);
    auto select = life_->unit.sql("SELECT value FROM meta WHERE key = 'epoch'");
    if (must(select.step())) epoch = select.column_text(0);
    if (epoch.empty()) {
      epoch = std::to_string(life()) + "@" + std::to_string(time_.seconds());
      must(life_->unit.sql("INSERT INTO meta(key, value) VALUES('epoch', ?)").bind(1, epoch).run());
    }
  }
  life_->engine.start(Network::kRouter, {.epoch = epoch, .bulk_port = 1});
}

void CloudHost::close() {
  network_.gone(*this);
  life_.reset();
}

void CloudHost::look_at_disk() {
  life_->disk.look();
}

engine::cloud::Engine& CloudHost::engine() {
  return life_->engine;
}

void CloudHost::with_unit(const std::function<void(engine::Unit&)>& work) {
  const engine::Unit::Scope scope(life_->unit);
  work(life_->unit);
}

void CloudHost::receive(std::vector<wire::Incoming> batch) {
  const engine::Unit::Scope scope(life_->unit);
  for (const auto& incoming : batch) life_->engine.handle(incoming);
}

void CloudHost::task_done(wire::TaskDone done) {
  life_->engine.task_done(std::move(done));
}

void CloudHost::decided(wire::DecideReply reply) {
  life_->engine.decided(std::move(reply));
}

void CloudHost::forget_epoch() {
  auto database = must(store::Database::open(state() / "cloud.db"));
  must(database.exec("DELETE FROM meta WHERE key = 'epoch'"));
}

}  // namespace skerry::simulator
