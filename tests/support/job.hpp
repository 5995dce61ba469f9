#pragma once

#include <string>
#include <utility>
#include <vector>

namespace skerry::testing {

// The text of a FederatedLearningJob with one line for each key of its spec. At first: three rounds
// over data and a model that mean nothing (tests/fixtures/plugins/null).
class JobText {
 public:
  explicit JobText(std::string name = "test");

  // `value` is YAML on one line.
  JobText& set(const std::string& key, const std::string& value);
  JobText& without(const std::string& key);

  std::string yaml() const;
  int line_of(const std::string& key) const;  // as a message would number it

 private:
  std::string name_;
  std::vector<std::pair<std::string, std::string>> spec_;
};

}  // namespace skerry::testing
