// kill -9 in the middle of a round. The job must not notice: the same rounds, and bit for bit the
// same model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/e2e/run.hpp"

namespace skerry::testing {
namespace {

constexpr int kRounds = 12;
constexpr int kEdges = 3;

JobText job(int train_millis) {
  JobText text;
  // All take part in every round: an update that is lost or counted twice would change the model.
  text.set("rounds", std::to_string(kRounds))
      .set("quorum", std::to_string(kEdges))
      .set("deadline", "60s")
      .set("estimator",
           "{plugin: fixture-null, config: {trainMillis: " + std::to_string(train_millis) + "}}");
  return text;
}

class Killing : public RunTest {
 protected:
  // What the job comes to when nobody disturbs it. How long training takes is not in the model.
  static std::string undisturbed_model() {
    static const std::string digest = [] {
      struct Undisturbed : Killing {
        void TestBody() override {}
        std::string digest() const { return run(job(0), kEdges).json().at("model").at("digest"); }
      };
      return Undisturbed().digest();
    }();
    return digest;
  }

  // A process of one host: of "cloud", "edge-1", ...
  std::vector<Running> of_host(const std::string& host, const std::string& program) const {
    auto list = skerry_processes(scratch.path(), program);
    std::erase_if(list, [&](const Running& process) {
      return process.command_line.find("/" + host + " ") == std::string::npos &&
             process.command_line.find("/" + host + "/") == std::string::npos;
    });
    return list;
  }

  // Runs the job and kills that process once two rounds are done.
  Json run_and_kill(const std::string& host, const std::string& program) {
    Process process = start_run(job(200), kEdges);
    EXPECT_TRUE(eventually([&] { return rounds_done() >= 2 || process.ended(); }));
    const auto victims = of_host(host, program);
    EXPECT_FALSE(victims.empty()) << text_of(running());
    for (const Running& victim : victims) ::kill(victim.pid, SIGKILL);
    EXPECT_LT(rounds_done(), static_cast<std::size_t>(kRounds))
        << "killed too late to prove anything";
    const Output output = finish(process, std::chrono::seconds(120));
    EXPECT_TRUE(output.ok()) << output.all();
    expect_nothing_left();
    return output.json();
  }

  void expect_undisturbed(const Json& summary) const {
    EXPECT_EQ(summary.value("phase", ""), "Succeeded") << summary;
    EXPECT_EQ(summary.value("rounds", 0), kRounds);
    expect_rounds(kRounds);
    for (const Json& record : records())
      EXPECT_EQ(record.at("participants").size(), static_cast<std::size_t>(kEdges)) << record;
    EXPECT_EQ(summary["model"]["digest"], undisturbed_model());
  }
};

TEST_F(Killing, AnEdgesWorkerCostsNoRound) {
  const Json summary = run_and_kill("edge-2", "skerry-worker");
  expect_undisturbed(summary);
  EXPECT_EQ(summary.value("restarts", -1), 0);
}

TEST_F(Killing, AnEdgeCostsNoRound) {
  const Json summary = run_and_kill("edge-2", "skerry-edge");
  expect_undisturbed(summary);
  EXPECT_EQ(summary.value("restarts", -1), 1);
}

TEST_F(Killing, TheCloudCostsNoRound) {
  const Json summary = run_and_kill("cloud", "skerry-cloud");
  expect_undisturbed(summary);
  EXPECT_EQ(summary.value("restarts", -1), 1);
}

TEST_F(Killing, TheCloudsWorkersCostNoRound) {
  const Json summary = run_and_kill("cloud", "skerry-worker");
  expect_undisturbed(summary);
  EXPECT_EQ(summary.value("restarts", -1), 0);
}

}  // namespace
}  // namespace skerry::testing
