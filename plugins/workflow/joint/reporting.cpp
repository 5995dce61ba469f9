#include "reporting.hpp"

#include <utility>

#include "status.hpp"
#include "totals.hpp"

namespace joint {

void tell(Step& step) {
  if (step.state["phase"] == "done") return;
  const std::string phase = phase_of(step.state), text = status_of(step.state);
  Json status = phase + ": " + text;
  if (step.state.value("status", Json()) == status) return;
  step.state["status"] = std::move(status);
  step.commands.set_status(phase, text);
}

void record(Step& step) {
  if (step.state["news"] == false) return;
  step.state["news"] = false;
  step.state["recorded"] = step.event.at_ms;
  step.commands.report(record_of(step.state, step.event.at_ms));
}

void record_failure(Step& step, const char* what, const Json& place) {
  const std::string side = place["side"];
  Json line = summary_of(step.state, step.event.at_ms);
  line[what] = {{{"node", place["node"]},
                 {"version", step.state[side]["version"]},
                 {"task", step.event.task},
                 {"code", step.event.code},
                 {"message", place["why"]}}};
  step.commands.report(std::move(line));
}

void succeed(Step& step, const std::string& why) {
  record(step);
  step.state["phase"] = "done";
  step.commands.succeed(why + "; " + text_of(of_all(step.state["edges"])));
}

void fail(Step& step, const std::string& why) {
  if (step.state["phase"] == "done") return;
  record(step);
  step.state["phase"] = "done";
  step.commands.fail(why);
}

}  // namespace joint
