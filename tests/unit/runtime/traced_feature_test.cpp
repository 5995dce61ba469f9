#include "core/runtime/traced_feature.hpp"

#include <gtest/gtest.h>

#include "core/runtime/feature_pool.hpp"
#include "core/runtime/plan.hpp"
#include "tests/unit/runtime/plans.hpp"

namespace skerry::runtime {
namespace {

struct NoServices : HostServices {
  std::uint32_t threads() const override { return 1; }
  bool cancelled(std::uint64_t) const override { return false; }
  Result<skerry_feature> open(std::string_view) override { return fail(Code::internal, "none"); }
  TaskServices* task() override { return nullptr; }
};

// What one plugin sees of another: skerry::FeatureRef asks for a function before it calls it.
TEST(AFeatureSeenThroughTheHost, LacksTheFunctionsThatItsPluginLeavesOut) {
  const Plan plan = Plan::parse(dump_json(fixture_plan())).value();
  NoServices services;
  FeaturePool pool(plan, "edge-1", services);
  const Instance* estimator = pool.open_feature("estimator/1", "fixture-partial").value();
  TracedFeature traced(*estimator);
  const auto& seen = *static_cast<const skerry_estimator_v1*>(traced.get().interface);
  EXPECT_NE(seen.prepare, nullptr);
  EXPECT_EQ(seen.evaluate, nullptr);
  EXPECT_EQ(seen.predict, nullptr);
}

}  // namespace
}  // namespace skerry::runtime
