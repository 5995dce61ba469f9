// Services that make no sense, found before anything starts.
#include <gmock/gmock.h>

#include "tests/support/skerry.hpp"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

class BadService : public SkerryTest {
 protected:
  // `edge`: what follows the estimator, indented by six.
  void expect_refused(const std::string& edge, const std::string& rest,
                      const std::string& why) const {
    const auto file = scratch.write(
        "service.yaml",
        "apiVersion: skerry.dev/v1alpha1\nkind: JointInferenceService\nmetadata: {name: s}\nspec:\n"
        "  input: {shape: [2], classes: 3}\n  edge:\n    - estimator: {plugin: linear}\n" +
            edge + rest);
    const Output output = skerry({"check", file.string()});
    EXPECT_EQ(output.ending.status, 2) << output.all();
    EXPECT_THAT(output.err, HasSubstr(why));
  }
};

}  // namespace

TEST_F(BadService, HasSinksAndNothingThatTheyCouldGet) {
  expect_refused("", "  sinks: [{plugin: jsonl, config: {path: /tmp/answers}}]\n",
                 "service.yaml:8: spec.sinks: there are no sources whose examples they could get");
}

TEST_F(BadService, SaysWhatTheThresholdIsToAchieveAndHasNone) {
  expect_refused("      filter: {plugin: margin}\n", "  choose: {cloudBudget: 0.2}\n",
                 "service.yaml:9: spec.choose: it says what the threshold is to achieve");
}

}  // namespace skerry::testing
