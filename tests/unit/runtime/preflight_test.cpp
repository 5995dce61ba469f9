#include "core/runtime/preflight.hpp"

#include <gtest/gtest.h>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "tests/unit/runtime/plans.hpp"

namespace skerry::runtime {
namespace {

class Preflight : public testing::Test {
 protected:
  Json check(const Json& plan, int nodes) {
    const auto file = dir_.path() / "plan.json";
    EXPECT_TRUE(write_file_durably(file, dump_json({{"plan", plan}, {"nodes", nodes}})));
    return preflight(file);
  }
  TempDir dir_ = TempDir::create().value();
};

TEST_F(Preflight, TellsWhatTheJobWillFind) {
  const auto told = check(fixture_plan({{"rows", 100}}, {{"bytes", 400}}), 4);
  ASSERT_TRUE(told["ok"].get<bool>()) << told.dump();
  EXPECT_EQ(told["slots"]["dataset"]["parts"], (std::vector<int>{20, 20, 20, 20}));
  EXPECT_EQ(told["slots"]["estimator"]["parameters"], 100);
}

TEST_F(Preflight, FindsAnEmptyPartition) {
  const auto told = check(fixture_plan({{"rows", 5}}), 20);
  EXPECT_FALSE(told["ok"].get<bool>());
  EXPECT_EQ(told["slot"], "dataset");
  EXPECT_EQ(told["field"], "partition");
  EXPECT_EQ(told["code"], "invalid_argument");
}

TEST_F(Preflight, FindsNodesWithoutAPlaceInThePartition) {
  const auto told = check(fixture_plan({{"partition", {{"parts", 2}}}}), 3);
  EXPECT_EQ(told["field"], "partition.index") << told.dump();
}

TEST_F(Preflight, ChecksTheNodesThatDiffer) {
  auto plan = fixture_plan({{"rows", 100}});
  plan["spec"]["dataset"]["nodes"] = {{"edge-2", {{"rows", 2}}}};
  const auto told = check(plan, 4);
  EXPECT_EQ(told["node"], "edge-2") << told.dump();
}

TEST_F(Preflight, FindsAPluginThatIsMissing) {
  auto plan = fixture_plan();
  plan["spec"]["estimator"]["plugin"] = "fixture-nil";
  const auto told = check(plan, 1);
  EXPECT_EQ(told["slot"], "estimator");
  EXPECT_NE(told["message"].get<std::string>().find("fixture-n"), std::string::npos);
}

TEST_F(Preflight, RefusesAFileThatIsNoRequest) {
  const auto file = dir_.path() / "x";
  ASSERT_TRUE(write_file_durably(file, "[1"));
  EXPECT_FALSE(preflight(file)["ok"].get<bool>());
  EXPECT_FALSE(preflight(dir_.path() / "absent")["ok"].get<bool>());
}

}  // namespace
}  // namespace skerry::runtime
