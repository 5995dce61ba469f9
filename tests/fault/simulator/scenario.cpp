#include "scenario.hpp"

#include <fmt/format.h>

#include <memory>
#include <optional>

#include "cloud_host.hpp"
#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/engine/cloud/authorization.hpp"
#include "core/engine/unit.hpp"
#include "edge_host.hpp"
#include "intruder.hpp"
#include "network.hpp"
#include "promises.hpp"

namespace skerry::simulator {
namespace {

using engine::must;
using namespace std::chrono_literals;

// After the trouble the job has this long: more than all deadlines and back-offs together.
constexpr double kPatience = 4 * 3600;
const std::vector<std::string> kJobs{"harvest", "tide"};

class Scenario {
 public:
  Scenario(std::uint64_t seed, const std::filesystem::path& directory)
      : time_(seed), network_(time_) {
    habits_.floats = time_.chance(0.15) ? 10'000 : 4;  // files, or rows
    habits_.slowest = time_.chance(0.3) ? 40 : 2;
    habits_.deaths = time_.chance(0.3) ? 0.1 : 0;
    rounds_ = 2 + static_cast<int>(time_.below(3));
    trouble_ends_ = 5 + time_.uniform() * (time_.chance(0.2) ? 600 : 60);
    crash_rate_ = time_.uniform() * 0.5;
    cut_rate_ = time_.chance(0.5) ? time_.uniform() * 0.2 : 0;
    network_.set_weather({.loss = time_.chance(0.5) ? time_.uniform() * 0.3 : 0,
                          .repetition = time_.chance(0.5) ? time_.uniform() * 0.2 : 0,
                          .overtaking = time_.chance(0.5) ? time_.uniform() * 0.2 : 0,
                          .slowest = time_.chance(0.2) ? 3.0 : 0.02});
    network_.watch([this](const Host& from, const std::string& node,
                          const std::string& frame) { promises_.frame_left(from, node, frame); },
                   [this](const Host& to, const std::string& node, const std::string& frame) {
                     promises_.frame_arrived(to, node, frame);
                   });
    cloud_ = std::make_unique<CloudHost>(time_, network_, habits_, directory / "cloud");
    network_.set_cloud(cloud_.get());
    const std::size_t edges = nodes_ = 2 + time_.below(2);
    backups_ = time_.chance(0.2);
    // A cloud that was restored knows nothing of what was done to keys since.
    rotates_ = !backups_ && time_.chance(0.4);
    revokes_ = !backups_ && time_.chance(0.3);
    fills_ = time_.chance(0.4);
    for (std::size_t i = 0; i < edges + (revokes_ ? 1 : 0); ++i) {
      const std::string name = fmt::format("edge-{}", i);
      edges_.push_back(
          std::make_unique<EdgeHost>(time_, network_, *cloud_, habits_, name, directory / name));
    }
    quorum_ = time_.chance(0.5) ? edges : 1;
    evaluates_on_edges_ = time_.chance(0.4);
    jobs_ = time_.chance(0.4) ? 2 : 1;
    if (time_.chance(0.4)) {
      intruder_ = std::make_unique<Intruder>(time_, network_, *cloud_, directory / "mallory");
      promises_.distrust(Intruder::kName);
      // Anybody that stays: who is turned out gets no tasks.
      intruder_->set_victim(edges_.front()->name());
    }
  }

  Outcome play() {
    begin();
    trouble();
    while (!over() && time_.step()) {
    }
    Outcome outcome;
    if (!ended()) {
      promises_.broke(fmt::format("the jobs did not end within {} h after the trouble: {}",
                                  kPatience / 3600, promises_.state_of_jobs(*cloud_)));
    } else {
      for (std::size_t i = 0; i < jobs_; ++i)
        promises_.job_ended(*cloud_, kJobs[i], rounds_, habits_.floats);
    }
    check_exile();
    for (const auto& edge : edges_)
      if (!edge->refusal().empty() && edge.get() != exile())
        promises_.broke(fmt::format("{} gave up: {}", edge->name(), edge->refusal()));
    outcome.broken = promises_.broken();
    outcome.seconds = time_.seconds();
    outcome.crashes = cloud_->crashes();
    for (const auto& edge : edges_) outcome.crashes += edge->crashes();
    outcome.rounds = rounds_;
    return outcome;
  }

 private:
  // Tokens and the job are made in peace; all that follows is not.
  void begin() {
    cloud_->start();
    cloud_->enter(cloud_->life(), [this] {
      cloud_->with_unit([this](engine::Unit&) {
        const auto server = must(wire::KeyPair::generate());
        for (const auto& edge : edges_)
          edge->set_token(must(
              cloud_->engine().nodes().invite(edge->name(), "tcp://cloud:1", server.public_key)));
        if (intruder_) {
          auto& nodes = cloud_->engine().nodes();
          must(nodes.invite(Intruder::kName, "tcp://cloud:1", server.public_key));
          must(nodes.join(Intruder::kName, intruder_->key().public_key));
        }
        for (std::size_t i = 0; i < jobs_; ++i)
          cloud_->engine().machine().create({.name = kJobs[i],
                                             .kind = "FederatedLearningJob",
                                             .text = "",
                                             .plan = plan(kJobs[i])},
                                            {});
      });
    });
    for (const auto& edge : edges_) edge->start();
    if (intruder_) intruder_->start();
  }

  Json plan(const std::string& job) const {
    const Json slot = {{"plugin", "fixture-null"}, {"config", Json::object()}};
    return {{"apiVersion", "skerry/v1"},
            {"kind", "FederatedLearningJob"},
            {"metadata", {{"name", job}}},
            {"workflow", "federated"},
            {"seed", 7},
            {"pluginPath", Json::array()},
            {"spec",
             {{"estimator", slot},
              {"dataset", slot},
              {"aggregation", {{"plugin", "fedavg"}, {"config", Json::object()}}},
              {"selection", {{"plugin", "all"}, {"config", Json::object()}}},
              {"evaluation", {{"where", evaluates_on_edges_ ? "edges" : "cloud"}, {"every", 2}}},
              {"rounds", rounds_},
              {"quorum", quorum_},
              {"nodes", nodes_},
              {"deadline", deadline()},
              {"retries", 20},
              {"attempts", 1000}}}};
  }

  // Where all who stay must take part it is more than a task and the trouble's pauses take. Nodes
  // that never answer cost one each round.
  std::string deadline() const {
    if (quorum_ == 1) return "20s";
    return habits_.slowest > 2 ? "300s" : "60s";
  }

  std::vector<Host*> hosts() {
    std::vector<Host*> all{cloud_.get()};
    for (const auto& edge : edges_) all.push_back(edge.get());
    return all;
  }

  bool troubled() const { return time_.seconds() < trouble_ends_; }

  // Once a second, until the trouble ends: crashes, then starts again; cuts, then mends.
  void trouble() {
    if (!troubled()) return calm();
    for (Host* host : hosts()) {
      if (time_.chance(crash_rate_)) {
        // In the middle of something, or between two things.
        time_.chance(0.8) ? host->doom(1 + time_.below(60)) : host->crash();
      }
    }
    for (const auto& edge : edges_) {
      if (!time_.chance(cut_rate_) || !network_.passable(*edge)) continue;
      network_.cut(*edge, time_.chance(0.5));
      time_.after(time_.between(0.1, time_.chance(0.1) ? 7200 : 40),
                  [this, &edge] { network_.mend(*edge); });
    }
    if (rotates_) change_keys();
    if (revokes_ && !results_of_exile_ && time_.chance(0.05)) turn_out();
    if (fills_) fill_disks();
    wake();
    time_.after(time_.between(0.2, 1.8), [this] { trouble(); });
  }

  // As the edge's operator wants it, or the cloud's.
  void change_keys() {
    for (const auto& edge : edges_) {
      if (!time_.chance(0.05)) continue;
      if (time_.chance(0.5)) {
        if (edge->up()) edge->renew_key();
        continue;
      }
      cloud_->enter(cloud_->life(), [&] {
        cloud_->with_unit([&](engine::Unit& unit) {
          if (engine::cloud::is_active_node(unit, edge->name()))
            cloud_->engine().peers().send(edge->name(), wire::RenewKey{"it is time"});
        });
      });
    }
  }

  // The node that is revoked in the midst of it all.
  const EdgeHost* exile() const { return revokes_ ? edges_.back().get() : nullptr; }

  void turn_out() {
    const std::string& name = exile()->name();
    cloud_->enter(cloud_->life(), [&] {
      if (!cloud_->engine().nodes().find(name)) return;  // it has not joined yet
      cloud_->with_unit([&](engine::Unit&) {
        must(cloud_->engine().nodes().revoke(name));
        cloud_->engine().peers().drop(name, "revoked", "it was revoked");
      });
      results_of_exile_ = promises_.results_of(*cloud_, name);
    });
  }

  void check_exile() {
    if (!results_of_exile_ || !cloud_->up()) return;
    const std::string& name = exile()->name();
    if (promises_.results_of(*cloud_, name) != *results_of_exile_)
      promises_.broke(fmt::format("a result of {} was counted after it was revoked", name));
  }

  void fill_disks() {
    for (Host* host : hosts()) {
      if (!time_.chance(0.05)) continue;
      host->set_space(time_.chance(0.5) ? Host::kLow : Host::kNothing);
      time_.after(time_.between(0.5, 40), [host] { host->set_space(Host::kPlenty); });
    }
  }

  void calm() {
    if (intruder_) intruder_->rest();
    network_.set_weather({});
    habits_.deaths = 0;
    for (const auto& edge : edges_) network_.mend(*edge);
    for (Host* host : hosts()) host->doom(0);
    wake();
    // Whoever died last is started by a person, after a while.
    time_.after(30s, [this] { wake(); });
  }

  // A host that is down: its state is copied, or replaced by an older copy.
  void meddle(Host& host) {
    // Whoever joined after the backup would have to join again.
    if (promises_.nodes_joined(*cloud_) < edges_.size() + (intruder_ ? 1 : 0)) return;
    const auto backup = host.state().string() + ".backup";
    if (!std::filesystem::exists(backup)) {
      std::filesystem::copy(host.state(), backup, std::filesystem::copy_options::recursive);
    } else if (time_.chance(0.3)) {
      promises_.forget(host);
      std::filesystem::remove_all(host.state());
      std::filesystem::copy(backup, host.state(), std::filesystem::copy_options::recursive);
      // With `skerry restore`, or by hand.
      if (&host == cloud_.get() && time_.chance(0.7)) cloud_->forget_epoch();
    }
  }

  void wake() {
    for (Host* host : hosts()) {
      if (host->up()) continue;
      if (backups_ && troubled() && time_.seconds() > 3) meddle(*host);
      const bool at_once = !troubled();
      time_.after(at_once ? Duration::zero() : time_.between(0, 20), [host] { host->start(); });
    }
  }

  bool ended() {
    if (!cloud_->up()) return false;
    for (std::size_t i = 0; i < jobs_; ++i) {
      const auto* job = cloud_->engine().machine().find(kJobs[i]);
      if (job == nullptr || !job->finished()) return false;
    }
    return true;
  }
  bool over() { return ended() || time_.seconds() > trouble_ends_ + kPatience; }

  VirtualTime time_;
  Network network_;
  Promises promises_;
  WorkerHabits habits_;
  std::unique_ptr<CloudHost> cloud_;
  std::unique_ptr<Intruder> intruder_;
  std::vector<std::unique_ptr<EdgeHost>> edges_;
  int rounds_ = 0;
  std::size_t quorum_ = 1;
  double trouble_ends_ = 0;
  double crash_rate_ = 0;
  double cut_rate_ = 0;
  bool backups_ = false;
  bool rotates_ = false;
  bool revokes_ = false;
  bool fills_ = false;
  std::size_t nodes_ = 0;  // that stay, and are not hostile
  std::optional<std::uint64_t> results_of_exile_;
  bool evaluates_on_edges_ = false;
  std::size_t jobs_ = 1;
};

}  // namespace

Outcome play(std::uint64_t seed, const std::filesystem::path& directory) {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  return Scenario(seed, directory).play();
}

}  // namespace skerry::simulator
