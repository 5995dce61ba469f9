#include "core/base/result.hpp"

#include <gtest/gtest.h>

#include "core/base/try.hpp"

namespace skerry {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(Code::invalid_argument, "odd", "job.yaml:7", "spec.rounds");
  return value / 2;
}

Result<int> quarter(int value) {
  SKERRY_ASSIGN(const int first, half(value));
  SKERRY_ASSIGN(const int second, half(first));
  return second;
}

Status check(int value) {
  SKERRY_TRY(quarter(value));
  return {};
}

TEST(Problem, SaysWhereAndWhichFieldBeforeTheMessage) {
  const Problem problem{Code::invalid_argument, "is wrong", "job.yaml:7", "spec.rounds"};
  EXPECT_EQ(problem.text(), "job.yaml:7: spec.rounds: is wrong");
}

TEST(Problem, LeavesOutThePartsThatAreEmpty) {
  EXPECT_EQ((Problem{Code::internal, "broken", {}, {}}).text(), "broken");
  EXPECT_EQ((Problem{Code::internal, "broken", {}, "seed"}).text(), "seed: broken");
}

TEST(Problem, HasANameForEachCode) {
  EXPECT_EQ(code_name(Code::invalid_argument), "invalid_argument");
  EXPECT_EQ(code_name(Code::data_loss), "data_loss");
}

TEST(Try, PassesTheFirstProblemOn) {
  const auto result = quarter(6);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::invalid_argument);
  EXPECT_EQ(result.error().field, "spec.rounds");
  EXPECT_FALSE(check(6));
}

TEST(Try, GoesOnWithTheValue) {
  EXPECT_EQ(quarter(12), 3);
  EXPECT_TRUE(check(12));
}

}  // namespace
}  // namespace skerry
