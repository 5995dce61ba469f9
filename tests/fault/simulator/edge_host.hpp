// A simulated edge: the engine that ships, on a database and blob files of its own.
#pragma once

#include <optional>

#include "cloud_host.hpp"
#include "core/engine/edge/engine.hpp"
#include "host.hpp"
#include "network.hpp"
#include "workers.hpp"

namespace skerry::simulator {

class EdgeHost : public Host, private engine::Workers::Listener {
 public:
  EdgeHost(VirtualTime& time, Network& network, CloudHost& cloud, const WorkerHabits& habits,
           std::string name, std::filesystem::path state);
  ~EdgeHost() override;

  // What an operator gave it; needed until it has joined.
  void set_token(const wire::JoinToken& token) { token_ = token; }
  // As its own operator wants it: `skerry-edge --rotate-key`.
  void renew_key();
  // Why it gave up, if it did.
  const std::string& refusal() const { return refusal_; }
  void receive(std::vector<wire::Incoming> batch) override;

 private:
  struct Life;

  void open() override;
  void close() override;
  void look_at_disk() override;
  void task_done(wire::TaskDone done) override;
  void task_progress(const wire::TaskProgress&) override {}
  void decided(wire::DecideReply) override {}

  Network& network_;
  CloudHost& cloud_;
  const WorkerHabits& habits_;
  std::optional<wire::JoinToken> token_;
  std::string refusal_;
  std::unique_ptr<Life> life_;
};

}  // namespace skerry::simulator
