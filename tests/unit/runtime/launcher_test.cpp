#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "tests/unit/runtime/test_host.hpp"

namespace skerry::runtime {
namespace {

TEST(ProcessLauncher, StartsAWorkerThatSaysHello) {
  TestHost host;
  ProcessLauncher launcher(worker_program());
  const auto worker = launcher.start(host.spec("w1"));
  ASSERT_TRUE(worker) << worker.error().text();
  const auto hello = host.expect<wire::WorkerHello>();
  EXPECT_EQ(hello.id, "w1");
  EXPECT_EQ(static_cast<pid_t>(hello.pid), worker->pid);
  EXPECT_TRUE(launcher.poll().empty());
  EXPECT_FALSE(launcher.start(host.spec("w1")));
}

TEST(ProcessLauncher, TellsOfAWorkerThatWasKilled) {
  TestHost host;
  ProcessLauncher launcher(worker_program());
  const auto worker = launcher.start(host.spec("w1")).value();
  host.expect<wire::WorkerHello>();
  kill(worker.pid, SIGSEGV);
  const auto exit = wait_for_exit(launcher);
  EXPECT_EQ(exit.id, "w1");
  EXPECT_EQ(exit.signal, SIGSEGV);
  EXPECT_EQ(exit.text, "killed by SIGSEGV");
  EXPECT_FALSE(is_alive(worker.pid));
}

TEST(ProcessLauncher, StopsAWorker) {
  TestHost host;
  ProcessLauncher launcher(worker_program());
  launcher.start(host.spec("w1")).value();
  host.expect<wire::WorkerHello>();
  launcher.stop("w1", std::chrono::seconds(10));
  EXPECT_EQ(wait_for_exit(launcher).signal, SIGTERM);
  launcher.stop("w1", std::chrono::seconds(0));  // gone: nothing happens
}

TEST(ProcessLauncher, KillsAWorkerThatDoesNotStopInTime) {
  TestHost host;
  ProcessLauncher launcher(worker_program());
  const auto worker = launcher.start(host.spec("w1")).value();
  host.expect<wire::WorkerHello>();
  kill(worker.pid, SIGSTOP);  // deaf to TERM
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(worker.pid), &info, WSTOPPED | WNOWAIT), 0);
  launcher.stop("w1", std::chrono::milliseconds(10));
  EXPECT_EQ(wait_for_exit(launcher).signal, SIGKILL);
}

TEST(ProcessLauncher, LeavesNothingBehind) {
  TestHost host;
  pid_t pid = 0;
  {
    ProcessLauncher launcher(worker_program());
    pid = launcher.start(host.spec("w1"))->pid;
    host.expect<wire::WorkerHello>();
  }
  EXPECT_FALSE(is_alive(pid));
}

TEST(ProcessLauncher, ReapsItsOwnWorkersOnly) {
  TestHost host;
  ProcessLauncher launcher(worker_program());
  const pid_t other = fork();
  if (other == 0) _exit(3);
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(other), &info, WEXITED | WNOWAIT), 0);
  EXPECT_TRUE(launcher.poll().empty());
  int status = 0;
  EXPECT_EQ(waitpid(other, &status, 0), other);
}

TEST(ProcessLauncher, TellsThatTheProgramIsMissing) {
  TestHost host;
  ProcessLauncher launcher(host.dir() / "absent");
  const auto worker = launcher.start(host.spec("w1"));
  ASSERT_FALSE(worker);
  EXPECT_NE(worker.error().text().find("absent"), std::string::npos);
}

TEST(ProcessLauncher, GivesTheWorkerItsEnvironmentAndSession) {
  TestHost host;
  ProcessLauncher launcher(worker_program());
  auto spec = host.spec("w1");
  spec.env = {{"SKERRY_TEST_WORD", "aye"}};
  const auto worker = launcher.start(spec).value();
  host.expect<wire::WorkerHello>();
  std::ifstream file("/proc/" + std::to_string(worker.pid) + "/environ");
  const std::string env{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(env.find("SKERRY_TEST_WORD=aye"), std::string::npos);
  EXPECT_EQ(getsid(worker.pid), worker.pid);
}

}  // namespace
}  // namespace skerry::runtime
