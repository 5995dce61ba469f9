// A real worker process with a fixture plugin.
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/unit/runtime/plans.hpp"
#include "tests/unit/runtime/test_host.hpp"

namespace skerry::runtime {
namespace {

class Worker : public testing::Test {
 protected:
  void start(WorkerRole role = WorkerRole::task) {
    pid_ = launcher_.start(host_.spec("w1", role)).value().pid;
    host_.expect<wire::WorkerHello>();
  }
  wire::RunTask task(const std::string& name, const std::string& params) {
    return {.key = {"job", name},
            .node = "edge-1",
            .kind = "fixture-noop",
            .params = params,
            .plan = dump_json(fixture_plan()),
            .output_dir = host_.dir().string()};
  }

  TestHost host_;
  ProcessLauncher launcher_{worker_program()};
  pid_t pid_ = 0;
};

TEST_F(Worker, RunsTasksOneAfterTheOther) {
  start();
  host_.send(task("1", "{}"));
  host_.send(task("2", "{}"));
  const auto first = host_.expect<wire::TaskDone>();
  EXPECT_TRUE(first.ok) << first.message;
  EXPECT_EQ(first.key.task, "1");
  const auto second = host_.expect<wire::TaskDone>();
  EXPECT_EQ(second.key.task, "2");
  EXPECT_EQ(second.metrics.at("runs"), 2);
}

TEST_F(Worker, CancelsTheRunningTaskAndOneThatWaits) {
  start();
  host_.send(task("1", R"({"do":"wait"})"));
  host_.send(task("2", "{}"));
  EXPECT_EQ(host_.expect<wire::TaskProgress>().key.task, "1");
  host_.send(wire::CancelTask{.key = {"job", "2"}});
  auto done = host_.expect<wire::TaskDone>();
  EXPECT_EQ(done.key.task, "2");
  EXPECT_EQ(done.code, "cancelled");
  host_.send(wire::CancelTask{.key = {"job", "1"}});
  done = host_.expect<wire::TaskDone>();
  EXPECT_EQ(done.key.task, "1");
  EXPECT_EQ(done.code, "cancelled");
}

TEST_F(Worker, ThatCrashesIsSeenByItsLauncher) {
  start();
  host_.send(task("1", R"({"do":"crash"})"));
  EXPECT_EQ(wait_for_exit(launcher_).text, "killed by SIGSEGV");
}

TEST_F(Worker, DecidesInItsOtherRole) {
  start(WorkerRole::decide);
  host_.send(wire::DecideRequest{
      .job = "job", .plan = dump_json(fixture_plan()), .state = "", .events = {"{}"}});
  const auto reply = host_.expect<wire::DecideReply>();
  EXPECT_TRUE(reply.ok) << reply.message;
  EXPECT_EQ(reply.state, "{}");
}

TEST_F(Worker, EndsWhenItIsTold) {
  start();
  host_.send(wire::Shutdown{});
  const auto exit = wait_for_exit(launcher_);
  EXPECT_EQ(exit.text, "exited with status 0");
}

TEST_F(Worker, EndsWhenItIsToldEvenWhileATaskRuns) {
  start();
  host_.send(task("1", R"({"do":"wait"})"));
  host_.expect<wire::TaskProgress>();
  host_.send(wire::Shutdown{});
  EXPECT_EQ(wait_for_exit(launcher_).text, "exited with status 0");
}

TEST_F(Worker, EndsWhenTheHostIsGone) {
  start();
  host_.close();
  EXPECT_EQ(wait_for_exit(launcher_).code, 69);
}

}  // namespace
}  // namespace skerry::runtime
