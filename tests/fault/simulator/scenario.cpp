#include "scenario.hpp"

#include <fmt/format.h>

#include <memory>

#include "cloud_host.hpp"
#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/engine/unit.hpp"
#include "edge_host.hpp"
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
    const std::size_t edges = 2 + time_.below(2);
    for (std::size_t i = 0; i < edges; ++i) {
      const std::string name = fmt::format("edge-{}", i);
      edges_.push_back(
          std::make_unique<EdgeHost>(time_, network_, *cloud_, habits_, name, directory / name));
    }
    quorum_ = time_.chance(0.5) ? edges : 1;
    backups_ = time_.chance(0.2);
    evaluates_on_edges_ = time_.chance(0.4);
    jobs_ = time_.chance(0.4) ? 2 : 1;
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
    for (const auto& edge : edges_)
      if (!edge->refusal().empty())
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
        for (std::size_t i = 0; i < jobs_; ++i)
          cloud_->engine().machine().create({.name = kJobs[i],
                                             .kind = "FederatedLearningJob",
                                             .text = "",
                                             .plan = plan(kJobs[i])},
                                            {});
      });
    });
    for (const auto& edge : edges_) edge->start();
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
              {"nodes", edges_.size()},
              {"deadline", quorum_ == 1 ? "20s" : "300s"},
              {"retries", 1000},
              {"attempts", 1000}}}};
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
    wake();
    time_.after(time_.between(0.2, 1.8), [this] { trouble(); });
  }

  void calm() {
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
    if (promises_.nodes_joined(*cloud_) < edges_.size()) return;
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
  std::vector<std::unique_ptr<EdgeHost>> edges_;
  int rounds_ = 0;
  std::size_t quorum_ = 1;
  double trouble_ends_ = 0;
  double crash_rate_ = 0;
  double cut_rate_ = 0;
  bool backups_ = false;
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
