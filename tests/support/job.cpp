#include "tests/support/job.hpp"

#include <algorithm>
#include <stdexcept>

#include "tests/support/skerry.hpp"

namespace skerry::testing {
namespace {

constexpr int kLinesBeforeSpec = 4;

auto entry_of(auto& spec, const std::string& key) {
  return std::find_if(spec.begin(), spec.end(),
                      [&](const auto& entry) { return entry.first == key; });
}

}  // namespace

JobText::JobText(std::string name) : name_(std::move(name)) {
  set("pluginPath", "[" + fixture_plugins("null").string() + "]");
  set("estimator", "{plugin: fixture-null}");
  set("dataset", "{plugin: fixture-null}");
  set("aggregation", "{plugin: fedavg}");
  set("rounds", "3");
}

JobText& JobText::set(const std::string& key, const std::string& value) {
  const auto entry = entry_of(spec_, key);
  if (entry == spec_.end()) {
    spec_.emplace_back(key, value);
  } else {
    entry->second = value;
  }
  return *this;
}

JobText& JobText::without(const std::string& key) {
  std::erase_if(spec_, [&](const auto& entry) { return entry.first == key; });
  return *this;
}

std::string JobText::yaml() const {
  std::string text =
      "apiVersion: skerry.dev/v1alpha1\nkind: FederatedLearningJob\nmetadata: {name: " + name_ +
      "}\nspec:\n";
  for (const auto& [key, value] : spec_) text += "  " + key + ": " + value + "\n";
  return text;
}

int JobText::line_of(const std::string& key) const {
  const auto entry = entry_of(spec_, key);
  if (entry == spec_.end()) throw std::out_of_range("the job has no line for " + key);
  return kLinesBeforeSpec + 1 + static_cast<int>(entry - spec_.begin());
}

}  // namespace skerry::testing
