// selection/1: choices among made-up candidates.
#include <algorithm>
#include <limits>

#include "core/conformance/subject.hpp"

namespace skerry::conformance {
namespace {

using Choice = std::vector<std::uint32_t>;

struct Nodes {
  std::vector<std::string> names;
  std::vector<skerry_candidate> candidates;

  static Nodes random(std::mt19937_64& random, std::size_t count) {
    Nodes nodes;
    for (std::size_t i = 0; i < count; ++i) nodes.names.push_back("edge-" + std::to_string(i + 1));
    for (std::size_t i = 0; i < count; ++i) {
      const bool known = random() % 4 != 0;
      constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
      nodes.candidates.push_back({nodes.names[i].c_str(), known ? random() % 5000 : 0,
                                  known ? static_cast<double>(random() % 1000) / 100 : kUnknown,
                                  known ? static_cast<double>(random() % 60000) / 1000 : kUnknown,
                                  static_cast<std::uint32_t>(known ? random() % 10 : 0), 0});
    }
    return nodes;
  }
};

Result<Choice> choose(Subject& subject, runtime::Instance& instance, const Nodes& nodes,
                      std::uint32_t round, std::uint64_t seed) {
  const auto count = static_cast<std::uint32_t>(nodes.candidates.size());
  Fenced<std::uint32_t> chosen(count);
  std::uint32_t chosen_count = 0;
  const Status status =
      subject.call(instance, &skerry_selection_v1::select, "select", nodes.candidates.data(), count,
                   round, seed, chosen.data(), &chosen_count);
  expect(chosen.whole(),
         "select() writes beyond the room for " + std::to_string(count) + " indices");
  if (!status) return fail(status.error());
  expect(chosen_count <= count,
         "chose " + std::to_string(chosen_count) + " of " + std::to_string(count) + " candidates");
  return Choice(chosen.data(), chosen.data() + chosen_count);
}

void zero_candidates(Subject& subject) {
  const auto instance = subject.create();
  const auto choice = choose(subject, *instance, {}, 1, 42);
  expect(!choice || choice->empty(), "chose somebody of nobody");
}

void indices_in_range(Subject& subject) {
  const auto instance = subject.create();
  for (const std::size_t count : {1, 2, 3, 10, 1000}) {
    const Nodes nodes = Nodes::random(subject.random(), count);
    for (std::uint32_t round = 1; round <= 20; ++round) {
      const auto choice = choose(subject, *instance, nodes, round, subject.random()());
      if (!choice) throw Failed{"select() failed: " + choice.error().text()};
      Choice sorted = *choice;
      std::sort(sorted.begin(), sorted.end());
      expect(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(),
             "chose a candidate twice; indices are distinct");
      expect(sorted.empty() || sorted.back() < count,
             "chose candidate " + std::to_string(sorted.empty() ? 0 : sorted.back()) + " of " +
                 std::to_string(count) + ", counting from 0");
    }
  }
}

void choice_repeats(Subject& subject) {
  const Nodes nodes = Nodes::random(subject.random(), 40);
  const std::uint64_t seed = subject.random()();
  const auto fresh = subject.create(), used = subject.create();
  const auto once = choose(subject, *fresh, nodes, 7, seed);
  for (std::uint32_t round = 1; round < 7; ++round)
    static_cast<void>(choose(subject, *used, nodes, round, seed));
  const auto twice = choose(subject, *used, nodes, 7, seed);
  expect(once.has_value() == twice.has_value() && (!once || *once == *twice),
         "the same candidates, round and seed give another choice after other questions; a cloud "
         "that starts again "
         "asks anew. Keep nothing between calls");
}

}  // namespace

std::vector<Check> selection_checks() {
  constexpr const char* kKind = "selection";
  return {
      {"zero-candidates", kKind, Level::required, "Of nobody, it chooses nobody, or refuses.",
       zero_candidates},
      {"indices-in-range", kKind, Level::required, "Chooses distinct candidates that there are.",
       indices_in_range},
      {"choice-repeats", kKind, Level::required,
       "The same question gets the same answer, whatever was asked before.", choice_repeats},
  };
}

}  // namespace skerry::conformance
