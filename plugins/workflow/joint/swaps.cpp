#include "swaps.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "places.hpp"
#include "settings.hpp"
#include "status.hpp"

namespace joint {
namespace {

bool is_digest(const Json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Those that have served; of two swaps in a row the first has proved nothing.
void remember_models(Json& state, const std::string& side) {
  const Json version = state[side]["version"];
  if (!state["before"].contains(side) ||
      any_place(state, side, [&](const Json& place) { return place["served"] == version; }))
    state["before"][side] = state[side]["models"];
}

// Only what waits for a node that is away. What was sent may have begun, and have the place of the
// version before it, which has ended: it ends when the next version is ready there.
void stop_what_has_not_begun(Step& step, const std::string& side) {
  Json& tasks = step.state["tasks"];
  for (auto it = tasks.begin(); it != tasks.end();) {
    const Json& task = it.value();
    const std::string node = step.state["places"][task["place"].get<std::string>()]["node"];
    const bool idle = task["side"] == side && !task.contains("ready") && task.contains("queued") &&
                      !is_connected(step.state, node);
    if (idle) step.commands.stop_task(it.key());
    it = idle ? tasks.erase(it) : std::next(it);
  }
}

// Versions count over both sides together, so that what serves can be told by its number alone.
void next_version(Step& step, const std::string& side) {
  Json& state = step.state;
  auto latest = state["edge"]["version"].get<std::uint64_t>();
  if (!state["cloud"].is_null())
    latest = std::max(latest, state["cloud"]["version"].get<std::uint64_t>());
  stop_what_has_not_begun(step, side);
  state[side]["version"] = latest + 1;
  const auto full = full_places(state);
  for (auto& [name, place] : state["places"].items()) {
    if (place["side"] != side) continue;
    clear_failures(place);
    cancel_start(step, name);
    if (full.count(name) == 0) start(step, name);
  }
}

}  // namespace

// All of it is looked at before anything is done: half a swap is none.
std::string fault_of_swap(const Json& state, const Json& value) {
  if (!value.is_object() || value.empty())
    return "needs {\"edge\": [DIGEST], \"cloud\": [DIGEST]}, or one of them";
  for (const auto& [side, wanted] : value.items()) {
    if ((side != "edge" && side != "cloud") || state.at(side).is_null())
      return "names `" + shortened(side) + "`, and this service has " +
             (state.at("cloud").is_null() ? "edge" : "edge and cloud");
    const std::size_t models = state.at(side).at("models").size();
    if (!wanted.is_array() || wanted.size() != models ||
        !std::all_of(wanted.begin(), wanted.end(), is_digest))
      return "needs " + std::to_string(models) + " of 64 hexadecimal digits for " + side +
             ": the digest of each model";
  }
  return "";
}

void swap_models(Step& step, const Json& value) {
  for (const std::string side : {"edge", "cloud"}) {
    if (!value.contains(side)) continue;
    remember_models(step.state, side);
    use_models(step.state[side], value[side]);
    next_version(step, side);
  }
}

void go_back(Step& step, const std::string& side, const std::string& why) {
  Json& state = step.state;
  state["fault"] = "version " + std::to_string(state[side]["version"].get<std::uint64_t>()) +
                   " was refused, the models before it serve: " + why;
  use_models(state[side], Json(state["before"][side]));
  state["before"].erase(side);
  next_version(step, side);
}

}  // namespace joint
