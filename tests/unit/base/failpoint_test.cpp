#include "core/base/failpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/try.hpp"

namespace skerry {
namespace {

Status step() {
  SKERRY_FAILPOINT("test.step.begun");
  SKERRY_TRY(SKERRY_FAILPOINT_STATUS("test.step.written"));
  return {};
}

#ifndef SKERRY_FAILPOINTS

TEST(Failpoint, IsNothingInARelease) {
  EXPECT_TRUE(step().has_value());
}

#else

using ::testing::HasSubstr;

class Failpoint : public ::testing::Test {
 protected:
  void order(std::string_view orders) {
    const auto status = failpoint::configure(orders);
    ASSERT_TRUE(status.has_value()) << status.error().text();
  }
  void TearDown() override {
    failpoint::set_handler({});
    order("");
  }
};

TEST_F(Failpoint, CountsItsHits) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(step().has_value());
  EXPECT_EQ(failpoint::names().at("test.step.begun"), 3u);
  EXPECT_EQ(failpoint::names().at("test.step.written"), 3u);
}

TEST_F(Failpoint, GivesAnErrorAtTheHitThatWasNamed) {
  order("test.step.written=error(fsync)@2");
  EXPECT_TRUE(step().has_value());
  const auto second = step();
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::data_loss);
  EXPECT_TRUE(step().has_value());
}

TEST_F(Failpoint, GivesAnErrorAtEachHitWhenNoneWasNamed) {
  order("test.step.written=error(full)");
  for (int i = 0; i < 2; ++i) {
    const auto status = step();
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code, Code::unavailable);
  }
}

TEST_F(Failpoint, ThrowsForCodeInsideATest) {
  order("*=throw@4");
  EXPECT_TRUE(step().has_value());
  try {
    static_cast<void>(step());
    FAIL() << "nothing was thrown";
  } catch (const failpoint::Crash& crash) {
    EXPECT_EQ(crash.name, "test.step.written");
  }
}

TEST_F(Failpoint, Waits) {
  order("test.step.begun=sleep(20)");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(step().has_value());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(20));
}

TEST_F(Failpoint, AsksAHandlerInPlaceOfTheOrders) {
  order("test.step.written=error(fsync)");
  std::vector<std::string> seen;
  failpoint::set_handler([&](std::string_view name) -> Status {
    seen.emplace_back(name);
    return {};
  });
  EXPECT_TRUE(step().has_value());
  EXPECT_EQ(seen, (std::vector<std::string>{"test.step.begun", "test.step.written"}));
}

TEST_F(Failpoint, RefusesOrdersThatMakeNoSense) {
  for (const char* orders : {"kill", "=kill", "a=die", "a=kill@", "a=kill@0", "a=kill@x",
                             "a=sleep()", "a=sleep(1", "a=error(else)", "a=kill;b"}) {
    const auto status = failpoint::configure(orders);
    ASSERT_FALSE(status.has_value()) << orders;
    EXPECT_EQ(status.error().code, Code::invalid_argument);
    EXPECT_THAT(status.error().message, HasSubstr("NAME=ACTION"));
  }
}

using FailpointDeathTest = Failpoint;

TEST_F(FailpointDeathTest, EndsTheProcessAsItIsTold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto step_after = [this](std::string_view orders) {
    order(orders);
    static_cast<void>(step());
  };
  EXPECT_EXIT(step_after("test.step.begun=kill"), ::testing::KilledBySignal(SIGKILL),
              "test.step.begun: kill");
  EXPECT_EXIT(step_after("*=abort@2"), ::testing::KilledBySignal(SIGABRT),
              "test.step.written: abort");
  EXPECT_EXIT(step_after("*=exit"), ::testing::ExitedWithCode(1), "test.step.begun: exit");
}

TEST_F(FailpointDeathTest, SaysThatAnErrorWasOrderedWhereNothingCanFail) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto step_after = [this](std::string_view orders) {
    order(orders);
    static_cast<void>(step());
  };
  EXPECT_EXIT(step_after("test.step.begun=error(full)"), ::testing::ExitedWithCode(2),
              "nothing can fail");
}

#endif

}  // namespace
}  // namespace skerry
