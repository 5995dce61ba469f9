// HardExampleJob: the workflow that tries a filter on the nodes' data.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "federated_support.hpp"

using federated_test::bytes_of;
using federated_test::Instance;
using federated_test::Json;
using federated_test::Outcome;
using federated_test::PluginUnderTest;
using federated_test::TextSink;
using testing::HasSubstr;

namespace {

// The workflow, with every command of the last event.
class Mining {
 public:
  Json send(const Json& event) {
    TextSink state, commands;
    const std::string text = event.dump();
    const Outcome outcome = workflow_.call(&skerry_workflow_v1::decide, bytes_of(state_),
                                           bytes_of(text), state.abi(), commands.abi());
    EXPECT_TRUE(outcome.ok()) << outcome;
    state_ = state.text();
    return Json::parse(commands.text());
  }
  Json start(const std::vector<std::string>& nodes, Json spec = Json::object()) {
    return send({{"type", "Started"},
                 {"spec", std::move(spec)},
                 {"job", "j"},
                 {"seed", 7},
                 {"nodes", nodes}});
  }
  Json finish(const std::string& node, const Json& result) {
    return send(
        {{"type", "TaskFinished"}, {"task", "judge/" + node}, {"node", node}, {"result", result}});
  }
  Json fail(const std::string& node) {
    return send({{"type", "TaskFailed"},
                 {"task", "judge/" + node},
                 {"node", node},
                 {"code", "failed"},
                 {"message", "no rows"}});
  }

 private:
  PluginUnderTest plugin_{"mining"};
  Instance<skerry_workflow_v1> workflow_ = plugin_.create<skerry_workflow_v1>("mining");
  std::string state_;
};

// The command `what`; null where there is none.
Json command(const Json& commands, const std::string& what) {
  for (const Json& each : commands)
    if (each["do"] == what) return each;
  return nullptr;
}

}  // namespace

TEST(Mining, WaitsForItsNodesAndDividesTheDataAmongThem) {
  Mining job;
  EXPECT_EQ(command(job.start({"b"}, {{"nodes", 2}}), "StartTask"), nullptr);
  const Json commands = job.send({{"type", "NodeJoined"}, {"node", "a"}});
  EXPECT_EQ(commands[0]["task"], "judge/a");
  EXPECT_EQ(commands[0]["params"]["index"], 0);
  EXPECT_EQ(commands[1]["task"], "judge/b");
  EXPECT_EQ(commands[1]["params"]["index"], 1);
  EXPECT_EQ(commands[1]["params"]["parts"], 2);
  EXPECT_EQ(commands[1]["params"]["split"], "holdout");
  EXPECT_EQ(command(commands, "SetTimer")["after_ms"], 600'000);
}

TEST(Mining, GivesTheModelToEachNode) {
  Mining job;
  const Json task =
      command(job.start({"a"}, {{"model", {{"$artifact", "m"}}}, {"estimator", {{"plugin", "e"}}}}),
              "StartTask");
  EXPECT_EQ(task["inputs"], Json({{"model", "m"}}));
  EXPECT_EQ(task["params"]["model"], true);
  EXPECT_EQ(task["params"]["predict"], true);
}

TEST(Mining, AddsUpWhatTheNodesTell) {
  Mining job;
  job.start({"a", "b"});
  job.finish("a", {{"examples", 60}, {"hard", 20}, {"right", 50}, {"rightHard", 10}});
  const Json commands =
      job.finish("b", {{"examples", 40}, {"hard", 5}, {"right", 38}, {"rightHard", 3}});
  const Json record = command(commands, "Report")["record"];
  EXPECT_EQ(record["hardShare"], 0.25);
  EXPECT_EQ(record["accuracy"], 0.88);
  EXPECT_EQ(record["accuracyHard"], 13 / 25.0);
  EXPECT_EQ(record["accuracyEasy"], 75 / 75.0);
  EXPECT_EQ(record["nodes"][1]["node"], "b");
  EXPECT_EQ(record["samples"], 100);
  EXPECT_EQ(command(commands, "Finish")["message"],
            "25 of 100 examples on 2 nodes are hard (25.0%); of the easy ones the model is right "
            "about 100.0%; of the hard ones the model is right about 52.0%");
  EXPECT_EQ(command(commands, "CancelTimer")["timer"], "deadline");
}

TEST(Mining, SaysNothingAboutSharesOfNothing) {
  Mining job;
  job.start({"a"});
  const Json record =
      command(job.finish("a", {{"examples", 4}, {"hard", 4}, {"right", 2}, {"rightHard", 2}}),
              "Report")["record"];
  EXPECT_FALSE(record.contains("accuracyEasy"));
  EXPECT_EQ(record["accuracyHard"], 0.5);
}

TEST(Mining, BelievesNoNodeThatHasMoreHardExamplesThanExamples) {
  Mining job;
  job.start({"a"});
  const Json record =
      command(job.finish("a", {{"examples", 10}, {"hard", 500}, {"right", -3}, {"rightHard", "x"}}),
              "Report")["record"];
  EXPECT_EQ(record["hardShare"], 1.0);
  EXPECT_FALSE(record.contains("accuracy"));
}

TEST(Mining, GoesOnWithoutNodesThatFailOrAreLate) {
  Mining job;
  job.start({"a", "b", "c"});
  job.fail("a");
  job.finish("b", {{"examples", 10}, {"hard", 1}});
  const Json commands = job.send({{"type", "TimerFired"}, {"timer", "deadline"}});
  EXPECT_EQ(command(commands, "StopTask")["task"], "judge/c");
  const Json record = command(commands, "Report")["record"];
  EXPECT_EQ(record["late"], Json({"c"}));
  EXPECT_EQ(record["failed"][0]["node"], "a");
  EXPECT_EQ(command(commands, "Finish")["phase"], "Succeeded");
  EXPECT_EQ(job.finish("c", {{"examples", 10}}), Json::array()) << "too late";
}

TEST(Mining, FailsWhenNoNodeCouldJudge) {
  Mining job;
  job.start({"a"});
  const Json end = command(job.fail("a"), "Finish");
  EXPECT_EQ(end["phase"], "Failed");
  EXPECT_EQ(end["message"], "no node could judge its examples; a: no rows");
}

TEST(Mining, RefusesAModelWithoutAnEstimator) {
  Mining job;
  const Json end = command(job.start({"a"}, {{"model", {{"$artifact", "m"}}}}), "Finish");
  EXPECT_EQ(end["phase"], "Failed");
  EXPECT_THAT(end["message"].get<std::string>(), HasSubstr("there is no estimator"));
}

TEST(Mining, EndsWithWhatThereIsWhenSomebodySaysStop) {
  Mining job;
  job.start({"a", "b"});
  job.finish("a", {{"examples", 10}, {"hard", 1}});
  const Json commands = job.send({{"type", "Signal"}, {"name", "stop"}});
  EXPECT_EQ(command(commands, "StopTask")["task"], "judge/b");
  EXPECT_EQ(command(commands, "Finish")["phase"], "Succeeded");
  EXPECT_EQ(job.send({{"type", "Signal"}, {"name", "stop"}}), Json::array());
}
