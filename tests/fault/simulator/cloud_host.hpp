// The simulated cloud: the engine that ships, on a database and blob files of its own.
#pragma once

#include <optional>

#include "core/engine/cloud/engine.hpp"
#include "core/store/database.hpp"
#include "host.hpp"
#include "network.hpp"
#include "workers.hpp"

namespace skerry::simulator {

class CloudHost : public Host, private engine::Workers::Listener {
 public:
  CloudHost(VirtualTime& time, Network& network, const WorkerHabits& habits,
            std::filesystem::path state);
  ~CloudHost() override;

  void receive(std::vector<wire::Incoming> batch) override;

  // Only while it is up.
  engine::cloud::Engine& engine();
  engine::cloud::BlobAccess& access() { return engine().blob_access(); }
  // For an operator's work; inside enter().
  void with_unit(const std::function<void(engine::Unit&)>& work);

  // Whatever was lost before: the next start is that of a restored backup.
  void forget_epoch();

 private:
  struct Life;

  void open() override;
  void close() override;
  void look_at_disk() override;
  void task_done(wire::TaskDone done) override;
  void task_progress(const wire::TaskProgress&) override {}
  void decided(wire::DecideReply reply) override;

  Network& network_;
  const WorkerHabits& habits_;
  std::unique_ptr<Life> life_;
};

}  // namespace skerry::simulator
