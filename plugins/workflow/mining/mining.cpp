// HardExampleJob: one task a node, and the sums of their answers.
//
// The state: {"phase": "waiting" | "judging" | "done", "here": [node], "open": {task: node},
// "answers": [{node, ...}], ...} and the settings that later events need.
#include <skerry/workflow.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "judge_task.hpp"

namespace mining {
namespace {

using skerry::Json;
using Type = skerry::Event::Type;

constexpr const char* kDeadline = "deadline";
constexpr std::array<const char*, 4> kCounts = {"examples", "hard", "right", "rightHard"};

// Of nothing there is no share.
void put_share(Json& measures, const char* name, std::uint64_t part, std::uint64_t whole) {
  if (whole > 0) measures[name] = static_cast<double>(part) / static_cast<double>(whole);
}

std::string percent(double value) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f%%", 100 * value);
  return text;
}

// A node's claim, made to make sense: nobody can have more hard examples than examples.
Json counts_in(const Json& result) {
  Json counts = Json::object();
  std::uint64_t most = UINT32_MAX;
  for (const char* name : kCounts) {
    const auto found = result.find(name);
    if (found == result.end() || !found->is_number_unsigned()) continue;
    counts[name] = std::min(found->get<std::uint64_t>(), most);
    if (name == kCounts[0]) most = counts[name].get<std::uint64_t>();
  }
  return counts;
}

// What the counts say: shares of all, and of the easy and the hard ones how many are right.
Json measures_of(const Json& counts) {
  const auto count = [&](const char* name) { return counts.value(name, std::uint64_t{0}); };
  const std::uint64_t examples = count("examples"), hard = std::min(count("hard"), examples);
  Json measures = Json::object();
  put_share(measures, "hardShare", hard, examples);
  if (!counts.contains("right")) return measures;
  const std::uint64_t right = std::min(count("right"), examples);
  const std::uint64_t right_hard = std::min({count("rightHard"), right, hard});
  put_share(measures, "accuracy", right, examples);
  put_share(measures, "accuracyHard", right_hard, hard);
  put_share(measures, "accuracyEasy", right - right_hard, examples - hard);
  return measures;
}

class Step {
 public:
  Step(const skerry::Event& event, Json& state) : event_(event), state_(state) {}

  void apply() {
    if (event_.type == Type::started) return on_started();
    const std::string phase = state_.value("phase", "done");
    if (event_.type == Type::signal && event_.name == "stop" && phase != "done") return stop(phase);
    if (phase == "waiting") {
      if (event_.type == Type::node_joined) here(event_.node);
      if (event_.type == Type::node_lost) gone(event_.node);
      return begin();
    }
    if (phase != "judging") return;
    if (event_.type == Type::timer_fired && event_.timer == kDeadline) return end();
    if (!state_["open"].contains(event_.task)) return;
    if (event_.type == Type::task_finished)
      answer(counts_in(event_.result));
    else if (event_.type == Type::task_failed)
      answer({{"code", event_.code}, {"message", event_.message}});
  }
  const skerry::Commands& commands() const { return commands_; }

 private:
  void on_started() {
    const Json& spec = event_.spec;
    state_ = {{"phase", "waiting"},
              {"here", event_.nodes},
              {"open", Json::object()},
              {"answers", Json::array()},
              {"wanted", spec.value("nodes", 1)},
              {"deadline", skerry::milliseconds(spec.value("deadline", "10m"), "deadline")},
              {"split", spec.value("split", "holdout")},
              {"predict", spec.contains("estimator")},
              {"seed", event_.seed}};
    const auto model = spec.find("model");
    if (model != spec.end() && model->is_object() && !spec.contains("estimator")) {
      state_["phase"] = "done";
      return commands_.fail(
          "model: there is no estimator that it could be the weights of; add "
          "estimator, or take model away");
    }
    if (model != spec.end() && model->is_object()) state_["model"] = model->at("$artifact");
    begin();
  }
  void here(const std::string& node) {
    Json& list = state_["here"];
    if (std::find(list.begin(), list.end(), node) == list.end()) list.push_back(node);
  }
  void gone(const std::string& node) {
    Json& list = state_["here"];
    list.erase(std::remove(list.begin(), list.end(), node), list.end());
  }

  void begin() {
    Json& nodes = state_["here"];
    const std::size_t wanted = state_["wanted"].get<std::size_t>();
    if (nodes.size() < wanted)
      return commands_.set_status("Waiting", std::to_string(nodes.size()) + " of " +
                                                 std::to_string(wanted) + " nodes are here");
    std::sort(nodes.begin(), nodes.end());
    for (std::size_t i = 0; i < nodes.size(); ++i) start(nodes[i].get<std::string>(), i);
    state_["phase"] = "judging";
    commands_.set_timer(kDeadline, state_["deadline"].get<std::int64_t>());
    commands_.set_status("Running", std::to_string(nodes.size()) + " nodes judge their examples");
  }

  void start(const std::string& node, std::size_t index) {
    skerry::TaskStart task;
    task.task = "judge/" + node;
    task.kind = "mining.judge";
    task.node = node;
    task.params = {{"split", state_["split"]},       {"index", index},
                   {"parts", state_["here"].size()}, {"seed", state_["seed"]},
                   {"predict", state_["predict"]},   {"model", state_.contains("model")}};
    if (state_.contains("model")) task.inputs["model"] = state_["model"].get<std::string>();
    state_["open"][task.task] = node;
    commands_.start_task(task);
  }

  void answer(Json what) {
    what["node"] = state_["open"][event_.task];
    state_["open"].erase(event_.task);
    state_["answers"].push_back(std::move(what));
    if (state_["open"].empty()) {
      commands_.cancel_timer(kDeadline);
      end();
    }
  }

  void stop(const std::string& phase) {
    if (phase == "judging") commands_.cancel_timer(kDeadline);
    end();
  }

  // Everybody answered, the deadline came, or somebody said stop.
  void end() {
    state_["phase"] = "done";
    Json record = {{"nodes", Json::array()}, {"late", Json::array()}, {"failed", Json::array()}};
    for (const auto& [task, node] : state_["open"].items()) {
      commands_.stop_task(task);
      record["late"].push_back(node);
    }
    state_["open"] = Json::object();
    const Json sums = add_up(record);
    if (record["nodes"].empty()) return commands_.fail(why_none(record["failed"]));
    record.update(measures_of(sums));
    record["samples"] = sums.value("examples", std::uint64_t{0});
    const std::string text = text_of(sums, record, record["nodes"].size());
    commands_.report(std::move(record));
    commands_.succeed(text);
  }

  // Puts each answer where it belongs in the record.
  Json add_up(Json& record) const {
    Json sums = Json::object();
    for (Json each : state_["answers"]) {
      if (each.contains("code")) {
        record["failed"].push_back(std::move(each));
        continue;
      }
      for (const char* name : kCounts)
        if (each.contains(name))
          sums[name] = sums.value(name, std::uint64_t{0}) + each[name].get<std::uint64_t>();
      each.update(measures_of(each));
      record["nodes"].push_back(std::move(each));
    }
    return sums;
  }

  static std::string why_none(const Json& failed) {
    if (failed.empty()) return "no node has answered";
    std::string why = "no node could judge its examples";
    for (const Json& each : failed)
      why += "; " + each["node"].get<std::string>() + ": " + each["message"].get<std::string>();
    return why;
  }

  static std::string text_of(const Json& sums, const Json& measures, std::size_t nodes) {
    std::string text = std::to_string(sums.value("hard", std::uint64_t{0})) + " of " +
                       std::to_string(sums.value("examples", std::uint64_t{0})) + " examples on " +
                       std::to_string(nodes) + " nodes are hard (" +
                       percent(measures.value("hardShare", 0.0)) + ")";
    const auto add = [&](const char* measure, const char* of) {
      if (measures.contains(measure))
        text += "; of the " + std::string(of) + " ones the model is right about " +
                percent(measures.value(measure, 0.0));
    };
    add("accuracyEasy", "easy");
    add("accuracyHard", "hard");
    return text;
  }

  const skerry::Event& event_;
  Json& state_;
  skerry::Commands commands_;
};

class MiningWorkflow : public skerry::Workflow {
 public:
  skerry::Decision decide(const skerry::Event& event, Json state) override {
    if (state.is_null() != (event.type == Type::started)) return {std::move(state), {}};
    Step step(event, state);
    step.apply();
    return {std::move(state), step.commands()};
  }
};

}  // namespace
}  // namespace mining

SKERRY_PLUGIN(skerry::feature<mining::MiningWorkflow>("mining"),
              skerry::feature<mining::JudgeTask>("mining.judge"));
