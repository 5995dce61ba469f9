// Jobs that name plugins which cannot be used. The bad plugins are tests/fixtures/plugins.
#include "tests/e2e/refusal.hpp"

namespace skerry::testing {
namespace {

class BadPlugin : public RefusalTest {
 protected:
  // With that fixture's folder on the search path.
  static JobText job_with(const std::string& fixture, const std::string& id) {
    JobText job;
    job.set("pluginPath", "[" + fixture_plugins("null").string() + ", " +
                              fixture_plugins(fixture).string() + "]");
    job.set("aggregation", "{plugin: " + id + "}");
    return job;
  }
  static std::string file_of(const std::string& fixture) {
    return (fixture_plugins(fixture) / (fixture + ".so")).string();
  }
};

TEST_F(BadPlugin, OfAnotherAbiMajorIsRefusedWithBothVersions) {
  expect_refused(job_with("other_abi", "other-abi"),
                 {"aggregation",
                  "spec.aggregation.plugin",
                  {file_of("other_abi"), "built for plugin ABI 2", "this host speaks 1.0",
                   "rebuild it with the SDK of Skerry"}});
}

TEST_F(BadPlugin, ThatLiesAboutItsAbiMajorIsRefusedWhenItIsLoaded) {
  expect_refused(job_with("wrong_major", "wrong-major"),
                 {"aggregation",
                  "spec.aggregation",
                  {file_of("wrong_major"), "built for plugin ABI 7.3", "this host speaks 1.0"}});
}

TEST_F(BadPlugin, ThatIsAnyOtherLibraryIsRefusedAsSuch) {
  expect_refused(job_with("not_a_plugin", "not-a-plugin"),
                 {"aggregation",
                  "spec.aggregation.plugin",
                  {file_of("not_a_plugin"), "is a shared library but no Skerry plugin",
                   "build it with skerry_add_plugin"}});
}

TEST_F(BadPlugin, ThatIsNoLibraryAtAllIsRefusedAsSuch) {
  scratch.write("plugins/text.so", "this is a text");
  std::filesystem::permissions(scratch / "plugins", std::filesystem::perms(0700));
  JobText job;
  job.set("pluginPath", "[" + fixture_plugins("null").string() + ", plugins]")
      .set("aggregation", "{plugin: text}");
  expect_refused(
      job, {"aggregation", "spec.aggregation.plugin", {(scratch / "plugins/text.so").string()}});
}

TEST_F(BadPlugin, ThatNeedsAMissingLibraryShowsTheLinkersOwnWords) {
  expect_refused(job_with("missing_library", "missing-library"),
                 {"aggregation",
                  "spec.aggregation",
                  {file_of("missing_library"),
                   "libskerry_absent.so: cannot open shared object file: No such file or directory",
                   "install the missing library"}});
}

TEST_F(BadPlugin, ThatIsThereTwiceIsRefusedWithBothFiles) {
  expect_refused(
      job_with("twice", "plain-average"),
      {"aggregation", "spec.aggregation.plugin", {"twice_a.so", "twice_b.so", "remove one"}});
}

TEST_F(BadPlugin, BesideGoodOnesDoesNotDisturbThem) {
  const Output output = run(job_with("not_a_plugin", "fedavg"), 2);
  EXPECT_TRUE(output.ok()) << output.all();
}

}  // namespace
}  // namespace skerry::testing
