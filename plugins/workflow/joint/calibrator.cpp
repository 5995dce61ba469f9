#include "calibrator.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "calibration.hpp"
#include "settings.hpp"

namespace joint {
namespace {

using Type = skerry::Event::Type;

constexpr const char* kOfChoice[] = {"threshold", "share", "accuracy"};  // numbers

Json begun(const skerry::Event& event) {
  const Json& spec = event.spec;
  const std::string edge = digest_of_model(spec.at("edge").at(0));
  const std::string cloud = digest_of_model(spec.at("cloud"));
  Json inputs = Json::object();
  if (!edge.empty()) inputs["edge"] = edge;
  if (!cloud.empty()) inputs["cloud"] = cloud;
  return {{"phase", "waiting"},
          {"inputs", inputs},
          {"params",
           {{"split", spec.value("split", "holdout")},
            {"seed", event.seed},
            {"edgeModel", !edge.empty()},
            {"cloudModel", !cloud.empty()},
            {"choose", spec.at("choose")}}}};
}

void begin(Json& state, const std::string& node, skerry::Commands& commands) {
  skerry::TaskStart task;
  task.task = "calibrate/" + node;
  task.kind = "joint.calibrate";
  task.node = node;
  task.params = state["params"];
  for (const auto& [name, digest] : state["inputs"].items())
    task.inputs[name] = digest.get<std::string>();
  commands.start_task(task);
  state["task"] = task.task;
  state["phase"] = "calibrating";
  commands.set_status("Running", node + " lets both models answer");
}

std::string percent(const Json& value) {
  char text[16];
  std::snprintf(text, sizeof text, "%.2f %%", 100 * value.get<double>());
  return text;
}

// A node's claim.
bool is_calibration(const Json& result) {
  const auto choice = result.find("choice");
  if (choice == result.end() || !choice->is_object()) return false;
  return std::all_of(std::begin(kOfChoice), std::end(kOfChoice), [&](const char* name) {
    const auto found = choice->find(name);
    return found != choice->end() && found->is_number();
  });
}

void conclude(const skerry::Event& event, skerry::Commands& commands) {
  if (event.type == Type::task_failed) return commands.fail(event.message);
  if (!is_calibration(event.result))
    return commands.fail("what node " + event.node + " answered is no calibration");
  commands.report({{"calibration", event.result}});
  const Json& choice = event.result["choice"];
  const bool reached = choice.value("reached", Json(true)) != false;
  commands.succeed("threshold " + choice["threshold"].dump() + ": " + percent(choice["share"]) +
                   " to the cloud, " + percent(choice["accuracy"]) + " right" +
                   (reached ? "" : "; what was wanted cannot be reached, this is the nearest"));
}

void start(const skerry::Event& event, Json& state, skerry::Commands& commands) {
  state = begun(event);
  try {
    parse_choose(event.spec.at("choose"));
  } catch (const skerry::Error& error) {
    state["phase"] = "done";
    return commands.fail(error.field() + ": " + error.what());
  }
  commands.set_status("Waiting", "for a node");
  if (!event.nodes.empty()) begin(state, event.nodes.front(), commands);
}

}  // namespace

skerry::Decision Calibrator::decide(const skerry::Event& event, Json state) {
  skerry::Decision decision{std::move(state), {}};
  Json& now = decision.state;
  skerry::Commands& commands = decision.commands;
  if (now.is_null() != (event.type == Type::started)) return decision;
  if (event.type == Type::started) {
    start(event, now, commands);
  } else if (event.type == Type::node_joined && now["phase"] == "waiting") {
    begin(now, event.node, commands);
  } else if (event.type == Type::signal && event.name == "stop" && now["phase"] != "done") {
    now["phase"] = "done";
    commands.fail("stopped");
  } else if ((event.type == Type::task_finished || event.type == Type::task_failed) &&
             now["phase"] == "calibrating" && event.task == now["task"]) {
    now["phase"] = "done";
    conclude(event, commands);
  }
  return decision;
}

}  // namespace joint
