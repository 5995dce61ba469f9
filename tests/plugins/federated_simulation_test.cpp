// A small engine and nodes that fail at random: whatever happens, the job keeps its promises, and
// it ends.
#include <cstdio>
#include <queue>
#include <random>

#include "federated_support.hpp"

using federated_test::Job;
using federated_test::Json;

namespace {

constexpr int kRuns = 1000;
constexpr std::int64_t kFaultsStopAtMs = 300'000;
constexpr int kMostEvents = 5000;

class Simulation {
 public:
  explicit Simulation(unsigned seed) : random_(seed) { job_.prove_pure = seed % 50 == 0; }

  void run() {
    start();
    for (int events = 0; job_.finish.is_null(); ++events) {
      ASSERT_FALSE(queue_.empty()) << "nothing will happen any more, and the job has not ended";
      ASSERT_LT(events, kMostEvents) << "the job does not end";
      Entry next = queue_.top();
      queue_.pop();
      job_.now_ms = next.at_ms;
      deliver(next.event);
    }
    const int done = static_cast<int>(job_.reports.size());
    EXPECT_LE(done, rounds_);
    EXPECT_EQ(done == rounds_, succeeded()) << job_.message();
    EXPECT_FALSE(job_.message().empty());
    // What comes after the end, as the answers that are still under way, is ignored.
    while (!queue_.empty()) {
      EXPECT_EQ(job_.send(queue_.top().event), Json::array());
      queue_.pop();
    }
  }

  bool succeeded() const { return job_.phase() == "Succeeded"; }

 private:
  struct Entry {
    std::int64_t at_ms;
    int order;
    Json event;
    bool operator<(const Entry& other) const {
      return std::tie(at_ms, order) > std::tie(other.at_ms, other.order);
    }
  };

  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  bool chance(int percent) { return pick(1, 100) <= percent; }

  void schedule(std::int64_t at_ms, Json event) {
    queue_.push({at_ms, order_++, std::move(event)});
  }

  void start() {
    const int nodes = pick(1, 6);
    quorum_ = pick(1, nodes);
    rounds_ = pick(1, 4);
    faults_ = pick(0, 40);
    const char* where[] = {"cloud", "edges", "none"};
    const Json spec = {{"rounds", rounds_},
                       {"quorum", quorum_},
                       {"deadline", std::to_string(pick(5, 60)) + "s"},
                       {"retries", pick(0, 2)},
                       {"attempts", pick(1, 3)},
                       {"evaluation", {{"where", where[pick(0, 2)]}, {"every", pick(1, 2)}}}};
    std::vector<std::string> online;
    for (int i = 0; i < nodes; ++i) {
      const std::string name(1, static_cast<char>('a' + i));
      if (chance(60)) {
        online.push_back(name);
      } else {
        schedule(pick(0, 100'000), {{"type", "NodeJoined"}, {"node", name}});
      }
      for (std::int64_t at = pick(1000, 60'000); chance(faults_) && at < kFaultsStopAtMs;
           at += pick(1000, 60'000)) {
        schedule(at, {{"type", "NodeLost"}, {"node", name}});
        schedule(at + pick(1, 90'000), {{"type", "NodeJoined"}, {"node", name}});
      }
      schedule(kFaultsStopAtMs + 100'000, {{"type", "NodeJoined"}, {"node", name}});
    }
    react(job_.start(online, spec));
  }

  void deliver(const Json& event) {
    if (event["type"] == "TimerFired") {
      const auto timer = job_.timers.find(event["timer"]);
      if (timer == job_.timers.end() || timer->second != job_.now_ms) return;
      job_.timers.erase(timer);
    }
    if (chance(2)) {
      EXPECT_EQ(job_.send({{"type", "Restarted"}}), Json::array());
    }
    react(job_.send(event));
  }

  void react(const Json& commands) {
    for (const Json& command : commands) {
      const std::string what = command["do"];
      if (what == "SetTimer") {
        schedule(job_.now_ms + command["after_ms"].get<std::int64_t>(),
                 {{"type", "TimerFired"}, {"timer", command["timer"]}});
      }
      if (what == "StartTask") {
        check_start(command);
        answer(command);
      }
      if (what == "Report") check_report(command["record"]);
      if (what == "PublishModel") {
        model_ = command["digest"];
        EXPECT_EQ(model_.rfind(aggregated_, 0), 0U) << model_;
      }
    }
  }

  void answer(const Json& start) {
    const bool cloud = start["node"] == "cloud";
    const bool faults = job_.now_ms < kFaultsStopAtMs;
    const std::int64_t at_ms = job_.now_ms + (cloud ? pick(1, 500) : pick(500, 20'000));
    if (faults && !cloud && chance(faults_ / 4)) return;  // never heard of again
    Json event = faults && chance(faults_ / 2) ? failure(start, cloud) : success(start);
    schedule(at_ms, event);
    if (chance(10)) schedule(at_ms + pick(0, 90'000), event);
    if (chance(5)) schedule(at_ms + pick(0, 90'000), success(start));
  }

  Json failure(const Json& start, bool cloud) {
    static const std::vector<std::string> codes = {
        "crashed",      "lost",           "failed",          "data_loss",
        "rejected.nan", "rejected.shape", "invalid_argument"};
    const int last = cloud || chance(90) ? 3 : 6;
    return {{"type", "TaskFailed"},
            {"task", start["task"]},
            {"node", start["node"]},
            {"code", codes[static_cast<std::size_t>(pick(0, last))]},
            {"message", "as the dice fell"}};
  }

  Json success(const Json& start) {
    const std::string kind = start["kind"];
    const std::string output = kind == "federated.train" ? "update" : "model";
    Json event = {{"type", "TaskFinished"},
                  {"task", start["task"]},
                  {"node", start["node"]},
                  {"metrics", {{"loss", 1.0}, {"accuracy", 0.5}}},
                  {"result", {{"samples", pick(1, 100)}}},
                  {"artifacts", Json::object()}};
    if (kind != "federated.evaluate") {
      event["artifacts"][output] = Job::artifact("made by " + start["task"].get<std::string>());
    }
    return event;
  }

  void check_start(const Json& start) {
    const std::string kind = start["kind"];
    const std::string task = start["task"];
    const Json& inputs = start["inputs"];
    if (kind == "federated.train") {
      if (model_.empty()) model_ = inputs["model"];  // the first one
      EXPECT_EQ(inputs["model"], model_) << task;
    }
    if (kind == "federated.aggregate") check_aggregation(task, inputs);
    if (kind == "federated.evaluate") {
      EXPECT_EQ(inputs["model"].get<std::string>().rfind(aggregated_, 0), 0U) << task;
    }
  }

  // The same set for every try of one aggregation: made by tasks of this attempt at this round, one
  // a node.
  void check_aggregation(const std::string& task, const Json& inputs) {
    const std::string prefix = task.substr(0, task.find('/'));
    EXPECT_EQ(inputs["base"], model_);
    EXPECT_GE(static_cast<int>(inputs.size()) - 1, quorum_);
    std::set<std::string> nodes;
    for (const auto& [name, digest] : inputs.items()) {
      if (name == "base") continue;
      const std::string made_by = digest.get<std::string>().substr(std::string("made by ").size());
      const std::string start = prefix + "/train/";
      ASSERT_EQ(made_by.compare(0, start.size(), start), 0) << made_by << " in " << task;
      EXPECT_TRUE(nodes.insert(made_by.substr(start.size(), 1)).second) << "twice: " << made_by;
    }
    const auto [found, fresh] = frozen_.emplace(prefix, inputs);
    EXPECT_EQ(found->second, inputs) << "the frozen set changed";
    aggregated_ = "made by " + prefix + "/aggregate";
    nodes_in_round_ = nodes;
  }

  void check_report(const Json& record) {
    EXPECT_EQ(record["round"], static_cast<int>(job_.reports.size())) << "rounds are contiguous";
    std::set<std::string> participants;
    for (const Json& node : record["participants"]) participants.insert(node);
    EXPECT_EQ(participants, nodes_in_round_);
    double sum = 0;
    for (const auto& [name, seconds] : record["seconds"].items()) {
      EXPECT_GE(seconds.get<double>(), 0.0) << name;
      if (name != "total") sum += seconds.get<double>();
    }
    EXPECT_GE(sum + 1e-9, record["seconds"]["total"].get<double>());
  }
  std::mt19937 random_;
  Job job_;
  std::priority_queue<Entry> queue_;
  int order_ = 0;
  int quorum_ = 1;
  int rounds_ = 1;
  int faults_ = 0;
  std::string model_;
  std::string aggregated_;  // how the digest of the last aggregation begins
  std::map<std::string, Json> frozen_;
  std::set<std::string> nodes_in_round_;
};

}  // namespace

TEST(FederatedSimulation, KeepsItsPromisesInAThousandRandomRuns) {
  int succeeded = 0;
  for (unsigned seed = 1; seed <= kRuns; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Simulation simulation(seed);
    simulation.run();
    succeeded += simulation.succeeded() ? 1 : 0;
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
  std::printf("%d of %d jobs succeeded, seeds 1 to %d\n", succeeded, kRuns, kRuns);
  EXPECT_GT(succeeded, kRuns / 2);
  EXPECT_LT(succeeded, kRuns) << "the faults were too few to try anything";
}
