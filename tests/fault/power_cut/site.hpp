// A cloud and its edges as real processes, on disks that forget what was not synced, and all that
// an operator has them do, while their power fails again and again.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "tests/fault/power_cut/failpoints.hpp"
#include "tests/fault/support/invariants.hpp"
#include "tests/fault/support/power_cut.hpp"
#include "tests/support/process.hpp"

namespace skerry::fault {

struct Plan {
  std::uint64_t seed = 1;
  Places aims;                        // each is cut when it is hit for the first time
  int cuts = 0;                       // besides, drawn; with no aims: nobody disturbs the site
  std::string synchronous;            // of SQLite, in place of FULL
  std::chrono::seconds patience{90};  // how long the site may stand still
};

struct Tally {
  int cuts = 0;
  int outages = 0;  // cuts that took all hosts at once
  int restarts = 0;
  std::map<Place, int> places;  // cuts, by failpoint
  Lost lost;
  std::map<std::string, std::string> models;  // the last one of each job
  std::vector<std::string> failures;          // what must not be
};

class Site {
 public:
  // `folder`: empty, and short: sockets lie in it. The thread that makes the site must outlive it.
  Site(const Plan& plan, std::filesystem::path folder);
  ~Site();

  // Through all acts, or to the first failure.
  Tally run();

 private:
  struct Host {
    std::string name;
    std::string side;
    std::string program;
    std::vector<std::string> arguments;
    std::filesystem::path state;
    std::filesystem::path journal;
    std::unique_ptr<testing::Process> process;
    bool turned_out = false;  // a revoked node: it may end by itself, and stays down then
  };
  struct Answer {
    bool ok = false;
    std::string text;
    Json json;
  };
  using Condition = std::function<bool()>;

  // ---- hosts, and their end (site.cpp)
  void add(const std::string& name, const std::string& program);
  Host& host(const std::string& name);
  void start(Host& host);
  std::string order(const Host& host);
  std::string drawn_order(const Host& host);
  bool tend();
  void died(Host& host);
  void lose_power(const std::vector<Host*>& hosts);
  void begin_anew();
  void end_workers(const Host& host) const;
  void leave_an_orphan(const Host& host);
  void check_states(const Demands& demands);
  void check_whole(const Host& host);
  States states() const;
  bool failed() const { return !tally_.failures.empty(); }
  void fail(const std::string& what) { tally_.failures.push_back(what); }

  // ---- the operator (acts.cpp)
  Answer ask(std::vector<std::string> arguments);
  Answer insist(const std::vector<std::string>& arguments);
  void await(const std::string& what, const Condition& condition);
  void join(const std::string& name);
  void apply(const std::string& name, const std::string& yaml);
  std::optional<Json> find(const std::string& kind, const std::string& name);
  std::string field(const std::string& kind, const std::string& name, const std::string& key);
  void await_phase(const std::string& name, const std::string& phase);
  void train();
  void train_a_large_model_and_change_keys();
  void back_up();
  void run_out_of_time();
  void fail_a_task();
  void revoke_a_node_and_delete_its_job();
  void end_all();
  void note_models();

  Plan plan_;
  std::filesystem::path folder_;
  std::mt19937_64 random_;
  std::vector<std::unique_ptr<Host>> hosts_;               // the cloud first
  std::map<std::string, std::vector<std::string>> names_;  // failpoints, by side
  int drawn_ = 0;                                          // cuts that no aim asked for
  int ceiling_ = 0;  // of those, in the acts so far: later acts want theirs
  std::filesystem::path backup_;
  Tally tally_;
};

}  // namespace skerry::fault
