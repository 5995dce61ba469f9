// Plugins that end their workers, or never end: the task fails with a clear code, the hosts live.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/run.hpp"

namespace skerry::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class BadWorker : public RunTest {
 protected:
  static JobText job(const std::string& does, const std::string& where = "train") {
    JobText text;
    return text
        .set("pluginPath",
             "[" + fixture_plugins("bad").string() + ", " + fixture_plugins("null").string() + "]")
        .set("estimator", "{plugin: fixture-bad, config: {does: " + does + ", in: " + where + "}}")
        .set("rounds", "1")
        .set("quorum", "2");
  }
  // The job fails; why, as people read it.
  std::string failure(const JobText& text) const {
    const Output output = run(text, 2);
    EXPECT_FALSE(output.ok()) << output.all();
    expect_nothing_left();
    const Json summary = output.json();
    EXPECT_EQ(summary.value("phase", ""), "Failed") << output.all();
    EXPECT_EQ(summary.value("restarts", -1), 0) << "a host ended";
    return summary.value("message", "");
  }
};

TEST_F(BadWorker, ThatSegfaultsIsNamedAndPutInQuarantine) {
  const std::string message = failure(job("segfault"));
  EXPECT_THAT(message, AllOf(HasSubstr("quarantined"), HasSubstr("`fixture-bad`"),
                             HasSubstr("estimator.train"), HasSubstr("SIGSEGV"),
                             HasSubstr("--allow-plugin")));
}

TEST_F(BadWorker, ThatAbortsIsNamed) {
  EXPECT_THAT(failure(job("abort").set("attempts", "1").set("retries", "0")),
              AllOf(HasSubstr("crashed: plugin `fixture-bad`"),
                    HasSubstr("was in estimator.train when its worker was killed by SIGABRT")));
}

TEST_F(BadWorker, ThatCallsExitIsNamed) {
  EXPECT_THAT(failure(job("exit").set("attempts", "1").set("retries", "0")),
              AllOf(HasSubstr("crashed: plugin `fixture-bad`"),
                    HasSubstr("was in estimator.train when its worker exited with status 3")));
}

TEST_F(BadWorker, ThatThrowsFailsItsTaskAlone) {
  EXPECT_THAT(failure(job("throw").set("attempts", "1").set("retries", "0")),
              HasSubstr("plugin `fixture-bad` failed in estimator.train: thrown on purpose"));
}

TEST_F(BadWorker, ThatLoopsOnItsEdgeCostsTheRoundAndNoHost) {
  EXPECT_THAT(failure(job("loop").set("deadline", "1s").set("attempts", "1")),
              HasSubstr("0 of 2 nodes answered"));
}

}  // namespace
}  // namespace skerry::testing
