#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/e2e/run.hpp"

namespace skerry::testing {

// A test of jobs that must be refused before anything starts.
class RefusalTest : public RunTest {
 protected:
  struct Refusal {
    std::string key;                  // the line of the job that is at fault
    std::string field;                // as the message names it
    std::vector<std::string> saying;  // found, allowed, what to do
  };

  // One problem with that place, for people and as JSON; exit status 2; and nothing has happened.
  void expect_refused(const JobText& job, const Refusal& refusal, int edges = 3) const {
    const Output output = run(job, edges);
    EXPECT_EQ(output.ending.status, 2) << output.all();
    expect_nothing_started();
    const Json reply = output.json();
    ASSERT_EQ(reply.value("problems", Json::array()).size(), 1u) << output.all();
    const Json problem = reply["problems"][0];
    const std::string where =
        (scratch / "job.yaml").string() + ":" + std::to_string(job.line_of(refusal.key));
    EXPECT_EQ(problem.at("where"), where) << output.all();
    EXPECT_EQ(problem.at("field"), refusal.field) << output.all();
    const std::string line = "error: " + where + ": " + refusal.field + ": ";
    EXPECT_THAT(output.err, ::testing::StartsWith(line));
    EXPECT_EQ(std::count(output.err.begin(), output.err.end(), '\n'), 1) << "more than one line:\n"
                                                                         << output.err;
    for (const std::string& text : refusal.saying) {
      EXPECT_THAT(problem.at("message").get<std::string>(), ::testing::HasSubstr(text));
      EXPECT_THAT(output.err, ::testing::HasSubstr(text));
    }
  }

  void expect_nothing_started() const {
    EXPECT_FALSE(std::filesystem::exists(results())) << "a result folder was made";
    expect_nothing_left();
  }
};

}  // namespace skerry::testing
