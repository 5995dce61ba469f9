#include "calibrator.hpp"

#include <cstdio>

#include "calibration.hpp"
#include "settings.hpp"

namespace joint {
namespace {

using Type = skerry::Event::Type;

std::string digest_of(const Json& owner) {
  const auto model = owner.find("model");
  return model != owner.end() && model->is_object() ? model->value("$artifact", std::string())
                                                    : std::string();
}

Json begun(const skerry::Event& event) {
  const Json& spec = event.spec;
  const std::string edge = digest_of(spec.at("edge")[0]), cloud = digest_of(spec.at("cloud"));
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
  state["phase"] = "calibrating";
  commands.set_status("Running", node + " lets both models answer");
}

std::string percent(const Json& value) {
  char text[16];
  std::snprintf(text, sizeof text, "%.2f %%", 100 * value.get<double>());
  return text;
}

}  // namespace

skerry::Decision Calibrator::decide(const skerry::Event& event, Json state) {
  skerry::Decision decision{std::move(state), {}};
  Json& now = decision.state;
  skerry::Commands& commands = decision.commands;
  if (now.is_null() != (event.type == Type::started)) return decision;
  if (event.type == Type::started) {
    now = begun(event);
    try {
      parse_choose(event.spec.at("choose"));
    } catch (const skerry::Error& error) {
      now["phase"] = "done";
      commands.fail(error.field() + ": " + error.what());
      return decision;
    }
    commands.set_status("Waiting", "for a node");
    if (!event.nodes.empty()) begin(now, event.nodes.front(), commands);
  } else if (event.type == Type::node_joined && now["phase"] == "waiting") {
    begin(now, event.node, commands);
  } else if (event.type == Type::task_finished && now["phase"] == "calibrating") {
    now["phase"] = "done";
    commands.report({{"calibration", event.result}});
    const Json& choice = event.result.at("choice");
    commands.succeed("threshold " + choice.at("threshold").dump() + ": " +
                     percent(choice.at("share")) + " to the cloud, " +
                     percent(choice.at("accuracy")) + " right");
  } else if (event.type == Type::task_failed && now["phase"] == "calibrating") {
    now["phase"] = "done";
    commands.fail(event.message);
  }
  return decision;
}

}  // namespace joint
