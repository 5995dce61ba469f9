// Real federated jobs on a real cluster whose processes are killed at random, while the clusters'
// invariants are watched.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <string>

#include "tests/fault/support/cluster.hpp"
#include "tests/fault/support/footprint.hpp"

namespace skerry::fault {

struct StormOptions {
  int edges = 4;
  int rounds = 30;
  int jobs_a_state = 3;                  // one after the other in the same state directories
  std::chrono::milliseconds pause{150};  // between kills, on average
  std::filesystem::path folder;          // of all clusters
};

// What an undisturbed run comes to. Job number N is of kind N % kJobKinds.
inline constexpr int kJobKinds = 2;  // models inside messages, models as files over the bulk socket
struct Calm {
  std::map<int, std::string> models;  // digest by kind
  Footprint cloud, edge;
};

// Of all storms together. Any thread.
struct Tally {
  explicit Tally(int kills_wanted) : wanted(kills_wanted) {}

  const int wanted;
  std::atomic<int> kills{0}, jobs{0}, rounds{0}, recomputed{0};
  std::atomic<int> lost{0}, doubled{0}, failures{0};
  std::mutex output;

  bool done() const { return kills >= wanted; }
};

// Undisturbed jobs, one of each kind. Throws where they fail.
Calm run_calm(const StormOptions& options);

class Storm {
 public:
  // `number` tells storms apart; its kills follow from it and the seed.
  Storm(const StormOptions& options, const Calm& calm, Tally& tally, std::uint64_t seed,
        int number);

  // Until the tally is done, or something is wrong. What is wrong is printed, counted, and its
  // state kept.
  void run();

 private:
  bool run_state();  // some jobs in fresh state directories
  void run_job(Cluster& cluster, int job);
  void strike(Cluster& cluster);
  void kill(Cluster& cluster, int host);
  bool kill_worker(Cluster& cluster, int host);
  void kill_everything(Cluster& cluster);
  void expect_invariants(Cluster& cluster, bool ended);
  void expect_footprints(Cluster& cluster) const;
  int pick(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

  const StormOptions& options_;
  const Calm& calm_;
  Tally& tally_;
  std::mt19937_64 random_;
  const int number_;
  int states_ = 0;
  int recomputed_ = 0;  // rounds of this state so far
  int kills_ = 0;       // in this job
};

}  // namespace skerry::fault
