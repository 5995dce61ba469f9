// Many sites beside each other: most of a cut's time is waiting.
#pragma once

#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>

#include "tests/fault/power_cut/site.hpp"

namespace skerry::fault {

class Campaign {
 public:
  struct Options {
    int cuts = 40;           // at least
    std::uint64_t seed = 1;  // site N has seed + N
    int lanes = 6;           // sites at a time
    bool expect_loss = false;
    std::string synchronous;
    std::filesystem::path keep;
  };

  explicit Campaign(Options options) : options_(std::move(options)), aims_(places_to_cut()) {}

  // One site that nobody disturbs; then every place once; then places that are drawn, until there
  // are enough cuts. Where loss is expected, it ends with the first failure.
  void run();

  const Tally& sum() const { return sum_; }
  int sites() const { return sites_; }
  int failures() const { return failures_; }
  // Places that were never cut.
  const Places& missed() const { return aims_; }

 private:
  using Models = std::map<std::string, std::string>;  // by job

  void aim(int shares);
  void play_all();
  std::optional<Plan> next();
  Tally play(const Plan& plan) const;
  void take(const Plan& plan, const Tally& tally);
  void compare_models();
  void failed(std::uint64_t seed, const std::vector<std::string>& what);
  bool is_over() const { return hopeless_ || (options_.expect_loss && failures_ > 0); }

  Options options_;
  Places aims_;
  std::mutex mutex_;
  std::deque<Plan> waiting_;
  int promised_ = 0;                        // cuts
  int given_ = 0;                           // plans
  std::map<std::uint64_t, Models> models_;  // by the site's seed
  Tally sum_;
  int sites_ = 0, failures_ = 0;
  bool hopeless_ = false;  // hosts cannot even start
};

}  // namespace skerry::fault
