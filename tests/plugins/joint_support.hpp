// A service and what it commands, driven through the C ABI as the engine does.
#pragma once

#include "federated_support.hpp"

namespace joint_test {

using federated_test::bytes_of;
using federated_test::Instance;
using federated_test::Json;
using federated_test::Outcome;
using federated_test::PluginUnderTest;
using federated_test::TextSink;

inline std::string digest(char digit) {
  return std::string(64, digit);
}

// Two edges' worth of a job: one model and one filter on the edge, one model on the cloud.
inline Json spec_of(const Json& more = Json::object()) {
  Json spec = {{"input", {{"shape", {1, 28, 28}}, {"classes", 10}}},
               {"edge", {{{"estimator", {{"plugin", "e"}}}, {"filter", {{"plugin", "f"}}}}}},
               {"cloud", {{"estimator", {{"plugin", "c"}}}}}};
  spec.update(more);
  return spec;
}

// One job. Every decision is asked of a second, fresh instance too, and must have the same bytes.
class Service {
 public:
  explicit Service(std::string feature = "joint") : feature_(std::move(feature)) {}

  std::map<std::string, Json> open;  // tasks that were started, and neither ended nor stopped
  std::vector<std::string> stopped;
  std::vector<Json> reports, notes;
  std::map<std::string, std::int64_t> timers;  // those set: when
  Json finish;                                 // null while the job runs
  std::string status;
  std::int64_t now_ms = 0;

  Json send(Json event) {
    event["at_ms"] = now_ms;
    const std::string text = event.dump();
    auto fresh = plugin_.create<skerry_workflow_v1>(feature_);
    const auto decision = decide(workflow_, text);
    EXPECT_EQ(decide(fresh, text), decision) << "not pure for " << text;
    state_ = decision.first;
    const Json commands = Json::parse(decision.second);
    for (const Json& command : commands) apply(command);
    return commands;
  }
  Json start(const std::vector<std::string>& nodes, const Json& spec = spec_of()) {
    return send({{"type", "Started"}, {"spec", spec}, {"job", "j"}, {"seed", 7}, {"nodes", nodes}});
  }
  Json join(const std::string& node) { return send({{"type", "NodeJoined"}, {"node", node}}); }
  Json lose(const std::string& node) { return send({{"type", "NodeLost"}, {"node", node}}); }
  Json report(const std::string& task, const Json& metrics = {{"requests", 1}}) {
    return send(
        {{"type", "TaskReported"}, {"task", task}, {"node", node_of(task)}, {"metrics", metrics}});
  }
  // It was retired, and says what it had counted.
  Json end(const std::string& task, const Json& metrics = Json::object()) {
    open.erase(task);
    return send(
        {{"type", "TaskFinished"}, {"task", task}, {"node", node_of(task)}, {"metrics", metrics}});
  }
  Json fail(const std::string& task, const std::string& code,
            const std::string& message = "it broke") {
    open.erase(task);
    return send({{"type", "TaskFailed"},
                 {"task", task},
                 {"node", node_of(task)},
                 {"code", code},
                 {"message", message}});
  }
  Json signal(const std::string& name, const Json& value = nullptr) {
    return send({{"type", "Signal"}, {"name", name}, {"value", value}});
  }
  // Lets the time pass until the timer fires. By value: it may be the key that is erased.
  Json fire(std::string timer) {
    const auto found = timers.find(timer);
    EXPECT_NE(found, timers.end()) << "no timer " << timer << " is set";
    if (found != timers.end()) now_ms = std::max(now_ms, found->second);
    timers.erase(timer);
    return send({{"type", "TimerFired"}, {"timer", timer}});
  }
  // Fires what is due until then, in order.
  void pass(std::int64_t ms) {
    const std::int64_t until = now_ms + ms;
    for (;;) {
      const auto next =
          std::min_element(timers.begin(), timers.end(),
                           [](const auto& a, const auto& b) { return a.second < b.second; });
      if (next == timers.end() || next->second > until) break;
      fire(next->first);
    }
    now_ms = until;
  }

  // The open task of the newest version at "edge/NODE" or "cloud/REPLICA"; "" where there is none.
  std::string at(const std::string& place) const {
    std::string newest;
    std::uint64_t version = 0;
    for (const auto& [task, command] : open)
      if (task.rfind(place + "/", 0) == 0 && command["serves"] > version) {
        newest = task;
        version = command["serves"];
      }
    return newest;
  }
  std::uint64_t version_at(const std::string& place) const {
    const std::string task = at(place);
    return task.empty() ? 0 : open.at(task)["serves"].get<std::uint64_t>();
  }
  Json inputs_at(const std::string& place) const { return open.at(at(place))["inputs"]; }
  void serve_at(const std::vector<std::string>& places) {
    for (const std::string& place : places) report(at(place));
  }
  // The last one that is not of a failure alone.
  Json record() const {
    for (auto it = reports.rbegin(); it != reports.rend(); ++it)
      if (it->contains("sum")) return *it;
    return nullptr;
  }
  const std::string& state() const { return state_; }

 private:
  std::string node_of(const std::string& task) const {
    const auto found = started_.find(task);
    return found == started_.end() ? "?" : found->second;
  }
  std::pair<std::string, std::string> decide(Instance<skerry_workflow_v1>& workflow,
                                             const std::string& event) {
    TextSink state, commands;
    const Outcome outcome = workflow.call(&skerry_workflow_v1::decide, bytes_of(state_),
                                          bytes_of(event), state.abi(), commands.abi());
    if (!outcome.ok()) throw std::runtime_error(outcome.message + " for " + event);
    return {state.text(), commands.text()};
  }
  void apply(const Json& command) {
    const std::string what = command["do"];
    EXPECT_TRUE(finish.is_null()) << what << " after Finish";
    if (what == "StartTask") {
      EXPECT_TRUE(started_.emplace(command["task"], command["node"]).second)
          << "an identifier of before starts nothing: " << command;
      open[command["task"]] = command;
    } else if (what == "StopTask") {
      EXPECT_EQ(open.erase(command["task"]), 1U) << command;
      stopped.push_back(command["task"]);
    } else if (what == "SetTimer") {
      timers[command["timer"]] = now_ms + command["after_ms"].get<std::int64_t>();
    } else if (what == "CancelTimer") {
      EXPECT_EQ(timers.erase(command["timer"]), 1U) << command;
    } else if (what == "Note") {
      notes.push_back(command);
    } else if (what == "SetStatus") {
      status = command["phase"].get<std::string>() + ": " + command["message"].get<std::string>();
    } else if (what == "Report") {
      reports.push_back(command["record"]);
    } else if (what == "Finish") {
      finish = command;
    } else {
      ADD_FAILURE() << "unknown command " << command;
    }
  }

  const std::string feature_;
  PluginUnderTest plugin_{"joint"};
  Instance<skerry_workflow_v1> workflow_ = plugin_.create<skerry_workflow_v1>(feature_);
  std::map<std::string, std::string> started_;  // every task's node
  std::string state_;
};

}  // namespace joint_test
