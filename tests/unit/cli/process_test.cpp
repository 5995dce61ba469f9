#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "core/base/file.hpp"
#include "hosts/cli/run/child_process.hpp"
#include "hosts/cli/run/orphans.hpp"
#include "hosts/cli/run/tail.hpp"

using skerry::cli::ChildProcess;

namespace {

int wait_for_end(ChildProcess& process) {
  while (!process.ended()) std::this_thread::yield();
  return *process.ended();
}

TEST(ChildProcess, KeepsWhatItPrintsAndTellsHowItEnded) {
  const auto folder = skerry::TempDir::create();
  const auto console = folder->path() / "console";
  auto process =
      ChildProcess::start({"a", {"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}, console});
  ASSERT_TRUE(process);
  EXPECT_EQ(skerry::cli::describe_end(wait_for_end(*process)), "exited with status 3");
  EXPECT_EQ(*skerry::read_file(console), "out\nerr\n");
}

TEST(ChildProcess, TellsWhichSignalKilledIt) {
  auto process = ChildProcess::start({"a", {"/bin/sh", "-c", "kill -9 $$"}, "/dev/null"});
  ASSERT_TRUE(process);
  EXPECT_EQ(skerry::cli::describe_end(wait_for_end(*process)), "was killed by signal 9 (Killed)");
}

TEST(ChildProcess, AProgramThatIsMissingIsAProblem) {
  const auto process = ChildProcess::start({"a", {"/no/such/program"}, "/dev/null"});
  ASSERT_FALSE(process);
  EXPECT_NE(process.error().message.find("/no/such/program"), std::string::npos);
}

TEST(ChildProcess, KillReachesItsWholeGroup) {
  const auto folder = skerry::TempDir::create();
  const auto console = folder->path() / "console";
  auto process =
      ChildProcess::start({"a", {"/bin/sh", "-c", "sleep 1000 & echo $!; wait"}, console});
  ASSERT_TRUE(process);
  std::string text;
  while (text.find('\n') == text.npos) text = skerry::read_file(console).value_or("");
  const pid_t grandchild = std::stoi(text);
  process->kill();
  // It may stay a zombie of whoever adopts it, but it runs no more.
  for (std::string state = "R"; state != "Z" && state != "gone";) {
    std::ifstream stat("/proc/" + std::to_string(grandchild) + "/stat");
    std::string skip;
    if (!(stat >> skip >> skip >> state)) state = "gone";
  }
}

bool ends_its_orphans() {
  skerry::cli::adopt_orphans();
  const auto folder = skerry::TempDir::create();
  const auto console = folder->path() / "console";
  // A session of its own, and a parent that is gone: out of reach for a signal to the child's
  // group.
  auto process =
      ChildProcess::start({"a", {"/bin/sh", "-c", "setsid sleep 1000 & echo $!"}, console});
  if (!process) return false;
  wait_for_end(*process);
  const pid_t orphan = std::stoi(*skerry::read_file(console));
  skerry::cli::kill_descendants();
  return kill(orphan, 0) == -1 && errno == ESRCH;
}

TEST(Orphans, EndWithTheProcessThatAdoptedThem) {
  // In a process of its own: adopting is for good, and kill_descendants spares no child.
  const pid_t tester = fork();
  ASSERT_GE(tester, 0);
  if (tester == 0) {
    _exit(ends_its_orphans() ? 0 : 1);
  }
  int status = 0;
  waitpid(tester, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(Tail, GivesTheLastLinesOnly) {
  const auto folder = skerry::TempDir::create();
  const auto file = folder->path() / "log";
  std::ofstream(file) << "one\ntwo\nthree\n";
  EXPECT_EQ(skerry::cli::tail_of(file, 2), "two\nthree");
  EXPECT_EQ(skerry::cli::tail_of(file, 9), "one\ntwo\nthree");
  EXPECT_EQ(skerry::cli::tail_of(folder->path() / "none", 2), "");
  EXPECT_EQ(skerry::cli::log_excerpt(file, 1), "\n  the end of its log:\n    three");
}

}  // namespace
