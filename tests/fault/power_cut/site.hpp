// A cloud and two edges as real processes, on disks that forget what was not synced, and one job
// that they work on while their power fails again and again.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "tests/fault/support/invariants.hpp"
#include "tests/fault/support/power_cut.hpp"
#include "tests/support/process.hpp"

namespace skerry::fault {

struct Plan {
  std::uint64_t seed = 1;
  int cuts = 0;                       // 0: nobody disturbs the job
  std::string synchronous;            // of SQLite, in place of FULL
  std::chrono::seconds patience{90};  // how long the job may stand still
};

struct Tally {
  int cuts = 0;
  int outages = 0;  // cuts that took all hosts at once
  int restarts = 0;
  std::map<std::string, int> places;  // cuts, by failpoint
  Lost lost;
  std::string model;                  // of the last round, when the job has ended
  std::vector<std::string> failures;  // what must not be
};

class Site {
 public:
  // `folder`: empty, and short: sockets lie in it.
  Site(const Plan& plan, std::filesystem::path folder);
  ~Site();

  // Brings the job to its end, or to the first failure.
  Tally run();

 private:
  struct Host {
    std::string name;
    std::string program;
    std::vector<std::string> arguments;
    std::filesystem::path state;
    std::filesystem::path journal;
    std::unique_ptr<testing::Process> process;
  };
  struct Answer {
    bool ok = false;
    std::string text;
    Json json;
  };

  void start(Host& host);
  std::string order();
  bool tend();
  void died(Host& host);
  void lose_power(const std::vector<Host*>& hosts);
  void end_workers(const Host& host) const;
  void check_states(const Demands& demands);
  void check_whole(const Host& host);
  States states() const;

  Answer ask(std::vector<std::string> arguments);
  Answer insist(const std::vector<std::string>& arguments);
  bool job_ended();
  void note_model();
  bool failed() const { return !tally_.failures.empty(); }
  void fail(const std::string& what) { tally_.failures.push_back(what); }

  Plan plan_;
  std::filesystem::path folder_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Host>> hosts_;  // the cloud first
  Tally tally_;
};

}  // namespace skerry::fault
