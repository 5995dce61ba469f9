// One of three edges answers what it likes: its update is refused with a code, it is told, and the
// round goes on with the other two.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/e2e/run.hpp"

namespace skerry::testing {
namespace {

using ::testing::ContainsRegex;

struct Lie {
  std::string lie;
  std::string code;
};

class Lying : public RunTest, public ::testing::WithParamInterface<Lie> {
 protected:
  ~Lying() override { unsetenv("SKERRY_TEST_LIE"); }
  JobText job() const {
    JobText text;
    return text
        .set("pluginPath",
             "[" + fixture_plugins("liar").string() + ", " + fixture_plugins("null").string() + "]")
        .set("evaluation", "{where: none}")
        .set("quorum", "2")
        .set("limits", "{norm: {max: 100}, samples: {max: 1000}}");
  }
};

TEST_P(Lying, IsRefusedWithItsCodeAndTheRoundGoesOn) {
  setenv("SKERRY_TEST_LIE", GetParam().lie.c_str(), 1);
  const Output output = run(job(), 3);
  ASSERT_TRUE(output.ok()) << output.all();
  expect_rounds(3);
  for (const Json& record : records()) {
    EXPECT_EQ(record.at("participants").size(), 2u) << record;
    ASSERT_EQ(record.at("rejected").size(), 1u) << record;
    EXPECT_EQ(record["rejected"][0].at("code"), GetParam().code) << record;
  }
  const std::string liar = records()[0]["rejected"][0].at("node");
  EXPECT_THAT(result("logs/" + liar + ".log"), ContainsRegex(GetParam().code));
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(
    About, Lying,
    ::testing::Values(Lie{"nan", "rejected.nan"}, Lie{"infinity", "rejected.nan"},
                      Lie{"shape", "rejected.shape"}, Lie{"norm", "rejected.norm"},
                      Lie{"giant", "rejected.size"}, Lie{"samples", "rejected.samples"},
                      Lie{"no-samples", "rejected.samples"}),
    [](const auto& each) {
      std::string name = each.param.lie;
      std::erase(name, '-');
      return name;
    });

TEST_F(Lying, AboutTheNormIsCutShortWhenThePolicyIsToClip) {
  setenv("SKERRY_TEST_LIE", "norm", 1);
  JobText text = job();
  text.set("limits", "{norm: {max: 100, policy: clip}}");
  const Output output = run(text, 3);
  ASSERT_TRUE(output.ok()) << output.all();
  for (const Json& record : records()) {
    EXPECT_EQ(record.at("participants").size(), 3u) << record;
    int clipped = 0;
    for (const Json& node : record.at("nodes")) clipped += node.contains("clippedNorm") ? 1 : 0;
    EXPECT_EQ(clipped, 1) << record;
  }
  expect_nothing_left();
}

}  // namespace
}  // namespace skerry::testing
