#include "core/store/state_lock.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

namespace skerry::store {
namespace {

TEST(StateLock, RefusesASecondHostAndNamesTheFirst) {
  const auto directory = TempDir::create().value();
  const auto first = StateLock::acquire(directory.path());
  ASSERT_TRUE(first);
  const auto second = StateLock::acquire(directory.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::failed_precondition);
  EXPECT_EQ(second.error().where, directory.path());
  EXPECT_NE(second.error().message.find("in use by process " + std::to_string(::getpid()) + ";"),
            std::string::npos)
      << second.error().message;
}

TEST(StateLock, IsFreeAgainWhenItsHolderLetsGo) {
  const auto directory = TempDir::create().value();
  std::optional<StateLock> lock = StateLock::acquire(directory.path()).value();
  lock.reset();
  EXPECT_TRUE(StateLock::acquire(directory.path()));
}

TEST(StateLock, CreatesThePrivateDirectory) {
  const auto directory = TempDir::create().value();
  const auto state = directory.path() / "var" / "state";
  ASSERT_TRUE(StateLock::acquire(state));
  EXPECT_EQ(std::filesystem::status(state).permissions(), std::filesystem::perms::owner_all);
}

TEST(StateLock, IsFreeAgainWhenItsHolderIsKilled) {
  const auto directory = TempDir::create().value();
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto lock = StateLock::acquire(directory.path());
    const char answer = lock ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) == 1) ::pause();
    ::_exit(1);
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  const auto refused = StateLock::acquire(directory.path());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(std::to_string(child)), std::string::npos);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(StateLock::acquire(directory.path()));
  ::close(ready[0]);
  ::close(ready[1]);
}

// As a host that is killed between starting a worker and the worker's exec.
TEST(StateLock, WaitsForWhatAKilledHolderLeftBehind) {
  const auto directory = TempDir::create().value();
  int left[2];  // closed when the last of the two processes has ended
  ASSERT_EQ(::pipe(left), 0);
  const pid_t holder = ::fork();
  ASSERT_GE(holder, 0);
  if (holder == 0) {
    const auto lock = StateLock::acquire(directory.path());
    const bool child = ::fork() == 0;
    const char answer = lock ? 'y' : 'n';
    if (!child && ::write(left[1], &answer, 1) == 1) ::pause();
    ::usleep(100'000);
    ::_exit(0);
  }
  ::close(left[1]);
  char answer = 0;
  ASSERT_EQ(::read(left[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
  const auto lock = StateLock::acquire(directory.path());
  EXPECT_TRUE(lock) << lock.error().text();
  EXPECT_EQ(::read(left[0], &answer, 1), 0);
  ::close(left[0]);
}

}  // namespace
}  // namespace skerry::store
