#include <algorithm>

#include "step.hpp"

namespace federated {

using Status = Assignment::Status;

void Step::on_started() {
  state_.job = event_.job;
  state_.seed = event_.seed;
  state_.settings = Settings::from_spec(event_.spec);
  state_.model = state_.settings.initial_model;
  state_.waiting = event_.nodes;
  std::sort(state_.waiting.begin(), state_.waiting.end());
  state_.waiting.erase(std::unique(state_.waiting.begin(), state_.waiting.end()),
                       state_.waiting.end());
  advance_start();
}

// The cloud makes the first model while the nodes come; without data on the cloud the first node
// makes it.
void Step::advance_start() {
  const bool on_cloud = settings_.where == "cloud";
  const auto wanted = static_cast<std::size_t>(settings_.nodes);
  const bool enough = state_.waiting.size() >= wanted;
  if (state_.model.empty() && state_.work.empty() && on_cloud) start_init(skerry::kCloud);
  if (!enough) {
    const std::string here = state_.waiting.empty() ? "" : ": " + joined(state_.waiting);
    return commands_.set_status("Waiting", std::to_string(state_.waiting.size()) + " of " +
                                               std::to_string(wanted) + " nodes are here" + here);
  }
  if (state_.model.empty()) {
    if (state_.work.empty()) {
      const std::size_t turn =
          static_cast<std::size_t>(state_.init_attempt - 1) % state_.waiting.size();
      start_init(state_.waiting[turn]);
    }
    return;
  }
  for (const std::string& name : state_.waiting) {
    state_.members.emplace_back();
    state_.members.back().name = name;
  }
  state_.parts = static_cast<int>(state_.members.size());
  state_.waiting.clear();
  open_round(1);
}

void Step::start_init(const std::string& node) {
  const std::string step =
      state_.init_attempt > 1 ? "init." + std::to_string(state_.init_attempt) : "init";
  assign({node}, step);
  if (node != skerry::kCloud) set_timer(step + "/deadline");
  commands_.set_status("Running", "making the first model on " + node);
}

void Step::settle_init() {
  const Assignment answer = state_.work.front();
  if (answer.status != Status::done) {
    const std::string why = answer.code + ": " + answer.message;
    if (answer.node == skerry::kCloud || answer.code == "invalid_argument") {
      return fail("no first model could be made on " + answer.node + ": " + why);
    }
    return next_init(why);
  }
  clear_timer();
  state_.model = answer.artifact;
  state_.work.clear();
  advance_start();
}

// Another node, as long as there are attempts.
void Step::next_init(const std::string& why) {
  const std::string node = state_.work.front().node;
  stop_running(Status::late);
  clear_timer();
  state_.work.clear();
  if (state_.init_attempt >= settings_.attempts) {
    return fail("no first model could be made in " + std::to_string(settings_.attempts) +
                " attempts, the last on " + node + ": " + why);
  }
  ++state_.init_attempt;
  advance_start();
}

}  // namespace federated
