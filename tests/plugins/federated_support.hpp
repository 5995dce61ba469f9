#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <skerry/abi.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "plugin_under_test.hpp"

// Drives the workflow through the C ABI, as the engine does, with events that a test writes.
namespace federated_test {

using Json = nlohmann::json;
using skerry_test::Instance;
using skerry_test::Outcome;
using skerry_test::PluginUnderTest;

inline skerry_bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A host's features with a selection that takes all, or so many, or fails.
struct SelectionService {
  skerry_ext_features table = {sizeof(table), 0,
                               open};  // first: the host gives this address to the plugin
  skerry_selection_v1 functions = {sizeof(functions), 0, select};
  std::uint32_t most = UINT32_MAX;
  bool repeats = false;  // takes the first each time
  std::string error;
  std::vector<std::string> last_candidates;

 private:
  static skerry_status open(const skerry_host* host, const char* slot, skerry_feature* out,
                            skerry_error* error) {
    if (std::string(slot) != "selection") return error->code = SKERRY_INVALID_ARGUMENT;
    const void* found = host->get_extension(host, SKERRY_EXT_FEATURES);
    auto* self = static_cast<SelectionService*>(const_cast<void*>(found));
    *out = {reinterpret_cast<skerry_instance*>(self), &self->functions, "some", "selection/1"};
    return SKERRY_OK;
  }
  static skerry_status select(skerry_instance* instance, const skerry_candidate* candidates,
                              std::uint32_t n, std::uint32_t, std::uint64_t, std::uint32_t* chosen,
                              std::uint32_t* count, skerry_error* failure) {
    auto* self = reinterpret_cast<SelectionService*>(instance);
    self->last_candidates.clear();
    for (std::uint32_t i = 0; i < n; ++i) self->last_candidates.emplace_back(candidates[i].node);
    if (!self->error.empty()) {
      self->error.copy(failure->message, sizeof(failure->message) - 1);
      return failure->code = SKERRY_INVALID_ARGUMENT;
    }
    *count = std::min(n, self->most);
    for (std::uint32_t i = 0; i < *count; ++i)
      chosen[i] = self->repeats ? 0 : *count - 1 - i;  // in no particular order
    return SKERRY_OK;
  }
};

// Collects what a plugin writes.
class TextSink {
 public:
  TextSink() : sink_{sizeof(sink_), 0, &text_, append} {}
  TextSink(const TextSink&) = delete;
  TextSink& operator=(const TextSink&) = delete;
  const skerry_sink* abi() const { return &sink_; }
  const std::string& text() const { return text_; }

 private:
  static skerry_status append(const skerry_sink* sink, skerry_bytes bytes) {
    static_cast<std::string*>(sink->ctx)->append(reinterpret_cast<const char*>(bytes.data),
                                                 bytes.size);
    return SKERRY_OK;
  }
  std::string text_;
  skerry_sink sink_;
};

// One job: its state, and all that was commanded. With `prove_pure` (the default) every decision is
// asked of a second, fresh instance too, as after a crash of the decider, and must have the same
// bytes.
class Job {
 public:
  Job() { plugin_.host.extensions[SKERRY_EXT_FEATURES] = &selection; }

  bool prove_pure = true;
  SelectionService selection;
  std::map<std::string, Json> tasks;  // StartTask commands, by task
  std::vector<Json> reports;
  std::vector<Json> published;
  std::vector<Json> notes;
  std::map<std::string, std::int64_t> timers;  // set and neither cancelled nor fired: when
  std::set<std::string> stopped;
  Json finish;  // null while the job runs
  std::string status;
  std::int64_t now_ms = 0;

  // Sends an event and returns the commands that came of it.
  Json send(Json event) {
    event["at_ms"] = now_ms;
    const std::string text = event.dump();
    const auto [state, commands] = decide(workflow_, text);
    if (prove_pure) {
      auto fresh = plugin_.create<skerry_workflow_v1>("federated");
      EXPECT_EQ(decide(fresh, text), std::make_pair(state, commands))
          << "decide is not pure for " << text;
    }
    state_ = state;
    const Json list = Json::parse(commands);
    for (const Json& command : list) apply(command);
    return list;
  }

  Json start(const std::vector<std::string>& nodes, const Json& spec = {}) {
    Json full = {{"estimator", {{"plugin", "e"}}},
                 {"dataset", {{"plugin", "d"}}},
                 {"aggregation", {{"plugin", "a"}}},
                 {"selection", {{"plugin", "s"}}},
                 {"rounds", 2},
                 {"quorum", 1},
                 {"deadline", "60s"}};
    full.update(spec.is_null() ? Json::object() : spec);
    return send(
        {{"type", "Started"}, {"spec", full}, {"job", "digits"}, {"seed", 7}, {"nodes", nodes}});
  }
  // Started, and the first model made.
  Json begin(const std::vector<std::string>& nodes, const Json& spec = {}) {
    start(nodes, spec);
    return finish_task("init", {{"artifacts", {{"model", artifact("m0")}}}});
  }
  static Json artifact(const std::string& digest) { return {{"digest", digest}, {"size", 8}}; }

  Json finish_task(const std::string& task, const Json& members = {}) {
    Json event = {{"type", "TaskFinished"},
                  {"task", task},
                  {"node", node_of(task)},
                  {"metrics", Json::object()},
                  {"artifacts", Json::object()},
                  {"result", Json::object()},
                  {"seconds", {{"queue", 0}, {"download", 0.1}, {"run", 1.0}, {"upload", 0.2}}},
                  {"cpu_seconds", 0.9},
                  {"bytes", {{"down", 10}, {"up", 20}}}};
    event.update(members.is_null() ? Json::object() : members);
    return send(event);
  }
  Json train(const std::string& task, int samples = 10, double loss = 0.5) {
    return finish_task(task, {{"artifacts", {{"update", artifact("u:" + task)}}},
                              {"metrics", {{"loss", loss}}},
                              {"result", {{"samples", samples}}}});
  }
  Json aggregate(const std::string& task, const std::string& model) {
    return finish_task(task,
                       {{"artifacts", {{"model", artifact(model)}}}, {"bytes", Json::object()}});
  }
  Json evaluate(const std::string& task, double accuracy, int samples = 100) {
    return finish_task(task, {{"metrics", {{"loss", 1 - accuracy}, {"accuracy", accuracy}}},
                              {"result", {{"samples", samples}}},
                              {"bytes", Json::object()}});
  }
  Json fail_task(const std::string& task, const std::string& code,
                 const std::string& message = "broke") {
    return send({{"type", "TaskFailed"},
                 {"task", task},
                 {"node", node_of(task)},
                 {"code", code},
                 {"message", message}});
  }
  Json join(const std::string& node) { return send({{"type", "NodeJoined"}, {"node", node}}); }
  Json lose(const std::string& node) { return send({{"type", "NodeLost"}, {"node", node}}); }
  // Lets the time pass until the timer fires.
  Json fire(const std::string& timer) {
    const auto found = timers.find(timer);
    EXPECT_NE(found, timers.end()) << "no timer " << timer << " is set";
    if (found != timers.end()) {
      now_ms = std::max(now_ms, found->second);
      timers.erase(found);
    }
    return send({{"type", "TimerFired"}, {"timer", timer}});
  }

  bool started(const std::string& task) const { return tasks.count(task) > 0; }
  std::string message() const {
    return finish.is_null() ? "" : finish["message"].get<std::string>();
  }
  std::string phase() const { return finish.is_null() ? "" : finish["phase"].get<std::string>(); }
  const std::string& state() const { return state_; }

 private:
  std::pair<std::string, std::string> decide(Instance<skerry_workflow_v1>& workflow,
                                             const std::string& event) {
    TextSink state;
    TextSink commands;
    const Outcome outcome = workflow.call(&skerry_workflow_v1::decide, bytes_of(state_),
                                          bytes_of(event), state.abi(), commands.abi());
    if (!outcome.ok()) throw std::runtime_error(outcome.message);
    return {state.text(), commands.text()};
  }
  std::string node_of(const std::string& task) const {
    const auto found = tasks.find(task);
    return found == tasks.end() ? "?" : found->second["node"].get<std::string>();
  }
  void apply(const Json& command) {
    const std::string what = command["do"];
    EXPECT_TRUE(finish.is_null()) << what << " after Finish";
    if (what == "StartTask") {
      EXPECT_TRUE(tasks.emplace(command["task"], command).second) << "twice: " << command;
    } else if (what == "StopTask") {
      EXPECT_TRUE(started(command["task"])) << command;
      stopped.insert(command["task"]);
    } else if (what == "SetTimer") {
      timers[command["timer"]] = now_ms + command["after_ms"].get<std::int64_t>();
    } else if (what == "CancelTimer") {
      EXPECT_EQ(timers.erase(command["timer"]), 1U) << command;
    } else if (what == "PublishModel") {
      published.push_back(command);
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

  PluginUnderTest plugin_{"federated"};
  Instance<skerry_workflow_v1> workflow_ = plugin_.create<skerry_workflow_v1>("federated");
  std::string state_;
};

}  // namespace federated_test
