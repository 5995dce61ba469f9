// A plugin that ends the cloud's workers is kept from running until an operator says otherwise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/host_processes.hpp"
#include "tests/support/job.hpp"

namespace skerry::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class QuarantineOnTheCloud : public HostsTest {
 protected:
  Output apply(const std::string& name, const std::string& does) const {
    JobText job(name);
    job.set("pluginPath",
            "[" + fixture_plugins("bad").string() + ", " + fixture_plugins("null").string() + "]")
        .set("estimator", "{plugin: fixture-bad, config: {does: " + does + ", in: weights}}")
        .set("retries", "5");
    return ask({"apply", "-f", scratch.write(name + ".yaml", job.yaml()).string()});
  }
};

TEST_F(QuarantineOnTheCloud, RefusesJobsUntilAnOperatorLiftsIt) {
  Process cloud = start_cloud();
  ASSERT_TRUE(apply("first", "segfault").ok());
  const Output watched = ask({"watch", "first"});
  EXPECT_THAT(json_lines(watched.out).back().value("message", ""),
              AllOf(HasSubstr("quarantined"), HasSubstr("skerry plugin allow ")));

  const Output refused = apply("second", "nothing");
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(refused.err, AllOf(HasSubstr("is in quarantine on this host"), HasSubstr("SIGSEGV")));

  const Json listed = ask({"plugin", "quarantined"}).json().at("plugins");
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].at("plugin"), "fixture-bad");

  const std::string digest = listed[0].at("digest");
  ASSERT_TRUE(ask({"plugin", "allow", digest.substr(0, 16)}).ok());
  EXPECT_TRUE(ask({"plugin", "quarantined"}).json().at("plugins").empty());
  const Output accepted = apply("second", "nothing");
  EXPECT_TRUE(accepted.ok()) << accepted.all();
  stop(cloud);
}

}  // namespace
}  // namespace skerry::testing
