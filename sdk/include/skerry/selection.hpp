// selection/1: who takes part in a round. Runs in the cloud's decider.
#pragma once

#include <skerry/plugin.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace skerry {

// A node that could take part. What its last update told is NaN or 0 where there was none.
struct Candidate {
  std::string node;
  std::uint64_t samples = 0;     // 0 when not known
  double loss = 0;               // NaN when not known
  double seconds = 0;            // how long its last task took; NaN when not known
  std::uint32_t last_round = 0;  // the last round it took part in; 0 when never
};

class Selection {
 public:
  using KindBase = Selection;
  virtual ~Selection() = default;

  // Distinct indices into `candidates`, in any order. A pure function of its arguments: the same
  // ones give the same choice, whatever was asked before. round counts from 1. [serial]
  virtual std::vector<std::uint32_t> select(const std::vector<Candidate>& candidates,
                                            std::uint32_t round, std::uint64_t seed) = 0;
};

template <>
struct InterfaceKind<skerry_selection_v1> {
  static constexpr const char* id = "selection/1";
};

template <>
struct Kind<Selection> {
  static constexpr const char* id = InterfaceKind<skerry_selection_v1>::id;

  template <class T>
  static const void* table() {
    static constexpr skerry_selection_v1 functions = {sizeof(skerry_selection_v1), 0, select};
    return &functions;
  }

 private:
  static skerry_status select(skerry_instance* instance, const skerry_candidate* candidates,
                              std::uint32_t n, std::uint32_t round, std::uint64_t seed,
                              std::uint32_t* chosen, std::uint32_t* count, skerry_error* error) {
    return detail::guard(error, [&] {
      std::vector<Candidate> nodes;
      nodes.reserve(n);
      for (std::uint32_t i = 0; i < n; ++i) {
        const skerry_candidate& each = candidates[i];
        nodes.push_back({each.node, each.samples, each.loss, each.seconds, each.last_round});
      }
      const std::vector<std::uint32_t> choice =
          object_of<Selection>(instance).select(nodes, round, seed);
      check(choice, n);
      for (std::size_t i = 0; i < choice.size(); ++i) chosen[i] = choice[i];
      *count = static_cast<std::uint32_t>(choice.size());
    });
  }

  static void check(const std::vector<std::uint32_t>& choice, std::uint32_t n) {
    std::vector<bool> seen(n, false);
    for (std::uint32_t index : choice) {
      if (index >= n) {
        throw Error(SKERRY_INTERNAL, "",
                    "chose candidate " + std::to_string(index) + " of " + std::to_string(n) +
                        ", counting from 0");
      }
      if (seen[index])
        throw Error(SKERRY_INTERNAL, "", "chose candidate " + std::to_string(index) + " twice");
      seen[index] = true;
    }
  }
};

}  // namespace skerry
