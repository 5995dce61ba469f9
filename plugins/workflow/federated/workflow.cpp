#include "workflow.hpp"

#include <set>
#include <utility>

#include "step.hpp"

namespace federated {
namespace {

std::vector<std::uint32_t> ask_selection(const skerry::Host& host,
                                         const std::vector<skerry::Candidate>& candidates,
                                         std::uint32_t round, std::uint64_t seed) {
  std::vector<skerry_candidate> list;
  for (const skerry::Candidate& each : candidates) {
    list.push_back({each.node.c_str(), each.samples, each.loss, each.seconds, each.last_round, 0});
  }
  std::vector<std::uint32_t> chosen(list.size());
  std::uint32_t count = 0;
  const auto size = static_cast<std::uint32_t>(list.size());
  host.feature<skerry_selection_v1>("selection")
      .call(&skerry_selection_v1::select, list.data(), size, round, seed, chosen.data(), &count);
  if (count > size) {
    throw skerry::Error(SKERRY_INTERNAL, "", "the selection chose more nodes than there are");
  }
  chosen.resize(count);
  const std::set<std::uint32_t> distinct(chosen.begin(), chosen.end());
  if (distinct.size() < chosen.size() || (!distinct.empty() && *distinct.rbegin() >= size)) {
    throw skerry::Error(SKERRY_INTERNAL, "",
                        "the selection chose a node twice, or one that was not offered");
  }
  return chosen;
}

std::string text_of(const skerry::Error& error) {
  return error.field().empty() ? error.what() : error.field() + ": " + error.what();
}

}  // namespace

skerry::Decision FederatedWorkflow::decide(const skerry::Event& event, skerry::Json before) {
  const bool first = event.type == skerry::Event::Type::started;
  if (before.is_null() != first)
    return {std::move(before), {}};  // before the start, or started already

  State state = first ? State{} : State::from_json(before);
  const Select select = [this](const auto& candidates, std::uint32_t round, std::uint64_t seed) {
    return ask_selection(host_, candidates, round, seed);
  };
  try {
    Step step(state, event, select);
    step.apply();
    return {state.to_json(), step.commands()};
  } catch (const skerry::Error& error) {
    // The state may be half changed: only its end is of interest now.
    State last = first ? State{} : State::from_json(before);
    Step step(last, event, select);
    step.fail(text_of(error));
    return {last.to_json(), step.commands()};
  }
}

}  // namespace federated
