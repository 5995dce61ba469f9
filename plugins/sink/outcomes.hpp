// What sinks share in reading outcomes: which of them to take, and which class they say.
#pragma once

#include <skerry/sink.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace sink {

// `only` of a configuration.
class Only {
 public:
  // allowed: which of all, hard, cloud, late and fallback the sink knows.
  Only(const skerry::Config& config, const std::vector<std::string>& allowed,
       const std::string& otherwise)
      : which_(config.has("only") ? config.one_of("only", allowed) : otherwise) {}

  bool takes(const skerry::Outcome& outcome) const {
    if (which_ == "hard") return outcome.hard;
    if (which_ == "cloud") return outcome.by_cloud;
    if (which_ == "late") return outcome.late;
    if (which_ == "fallback") return outcome.fallback;
    return true;
  }

 private:
  std::string which_;
};

struct Best {
  std::size_t place = 0;  // for classes the class
  float output = 0;
};

// The largest output, and the first of equal ones; none where no output is a number.
inline std::optional<Best> best_of(skerry::Span<const float> outputs) {
  std::optional<Best> best;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (!std::isnan(outputs[i]) && (!best || outputs[i] > best->output)) best = {i, outputs[i]};
  return best;
}

// Names in the order of the classes. Throws Error where there are not as many as classes.
inline void check_names(const std::vector<std::string>& names, const skerry::ServiceForm& form) {
  if (names.size() != form.classes)
    throw skerry::invalid("classes", "lists " + std::to_string(names.size()) +
                                         " names; the service has " + std::to_string(form.classes) +
                                         " classes (its `input.classes`)");
}

}  // namespace sink
