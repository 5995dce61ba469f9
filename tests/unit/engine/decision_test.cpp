// When the workflow is asked, and when that has to wait.
#include <gmock/gmock.h>

#include "core/engine/disk_guard.hpp"
#include "tests/unit/engine/cloud_bench.hpp"

namespace skerry::engine::cloud {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Decision : public CloudBench {
 protected:
  void SetUp() override {
    disk_.emplace(
        DiskGuard::Options{.directory = dir_.path(), .low = 1000, .probe = [this](const auto&) {
                             return Result<DiskSpace>(DiskSpace{10'000, available_});
                           }});
    CloudBench::SetUp();
  }
  void set_available(std::uint64_t bytes) {
    available_ = bytes;
    disk_->look();
    disk_->look();  // the reserve is given up by the first
  }
  wire::DecideReply no_worker() {
    wire::DecideReply reply;
    reply.job = job().key;
    reply.code = "unavailable";
    reply.message = "its worker did not start: No space left on device";
    return reply;
  }
  std::uint64_t available_ = 5000;
};

TEST_F(Decision, IsHeldBackWhileNotEvenTheReserveOfTheDiskIsLeft) {
  set_available(10);
  ASSERT_TRUE(disk_->critical());
  add_job();
  loop_->run_for(1h);
  EXPECT_EQ(questions_, 0);
  set_available(5000);
  loop_->run_for(1s);
  EXPECT_EQ(questions_, 1);
}

TEST_F(Decision, IsAskedForAgainWhenNoWorkerStartedOnAFullDisk) {
  add_job();
  loop_->run();
  ASSERT_EQ(questions_, 1);
  set_available(600);
  engine_->decided(no_worker());
  EXPECT_FALSE(job().finished());
  loop_->run_for(1s);
  EXPECT_EQ(questions_, 2);
  set_available(5000);
  workflow_says({});
  EXPECT_EQ(job().phase, "Pending");
}

TEST_F(Decision, FailsItsJobWhenNoWorkerStartsThoughThereIsSpace) {
  add_job();
  loop_->run();
  engine_->decided(no_worker());
  EXPECT_EQ(job().phase, "Failed");
  EXPECT_THAT(job().message, HasSubstr("its worker did not start"));
}

}  // namespace
}  // namespace skerry::engine::cloud
