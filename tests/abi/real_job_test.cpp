// The same job with plugins that were built with headers of different ages. They refuse every
// struct whose size does not tell of all members of 1.0, so that this also says that the hosts set
// them all.
#include <gtest/gtest.h>

#include <string>

#include "tests/e2e/run.hpp"

namespace skerry::testing {
namespace {

class JobOfAges : public RunTest {
 protected:
  // The model's digest.
  std::string run_with(const std::string& folder) {
    const std::string path = std::string(SKERRY_ABI_PLUGINS) + "/" + folder;
    JobText job;
    job.set("pluginPath", "[" + path + ", " + fixture_plugins("null").string() + "]")
        .set("estimator", "{plugin: steps}")
        .set("aggregation", "{plugin: steps}");
    const Output output = run(job, 2);
    EXPECT_TRUE(output.ok()) << output.all();
    return output.json().at("model").value("digest", "none in " + folder);
  }
};

TEST_F(JobOfAges, GivesOneModelWhateverHeaderThePluginWasBuiltWith) {
  const std::string model = run_with("old");
  EXPECT_EQ(run_with("new"), model);
  EXPECT_EQ(run_with("new_as_1_0"), model);
}

}  // namespace
}  // namespace skerry::testing
