// What is left after a process dies between two steps.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "state_dir.hpp"

namespace skerry::store {
namespace {

// Runs `work` in a process that then dies without running a destructor.
void crash_after(const std::function<void()>& work) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    work();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

class Crash : public testing::Test {
 protected:
  Digest put(const std::string& bytes) {
    const Digest digest = digest_of(as_bytes(bytes));
    static_cast<void>(state_.blobs->put(as_bytes(bytes), digest));
    return digest;
  }
  bool has(const std::string& bytes) {
    const auto blob = state_.blobs->find(digest_of(as_bytes(bytes))).value();
    return blob && BlobStore::read_all(*blob) == bytes;
  }
  StateDir state_;
};

TEST_F(Crash, BeforeTheCommitLeavesNoBlob) {
  crash_after([&] {
    state_.open();
    auto* transaction = new Transaction(state_.database->begin().value());
    static_cast<void>(transaction);
    put(small_blob());
    put(big_blob());
  });
  state_.open();
  EXPECT_FALSE(has(small_blob()));
  EXPECT_FALSE(has(big_blob()));
  EXPECT_EQ(state_.blobs->sweep(), 1u);  // the large one's file
}

TEST_F(Crash, AfterTheCommitKeepsEveryBlob) {
  crash_after([&] {
    state_.open();
    auto transaction = state_.database->begin().value();
    put(small_blob());
    put(big_blob());
    if (!transaction.commit()) ::_exit(1);
  });
  state_.open();
  EXPECT_TRUE(has(small_blob()));
  EXPECT_TRUE(has(big_blob()));
  EXPECT_EQ(state_.blobs->sweep(), 0u);
}

TEST_F(Crash, BetweenTheFileAndItsRowLetsTheBlobBeStoredAgain) {
  const Digest digest = digest_of(as_bytes(big_blob()));
  crash_after([&] {
    state_.open();
    static_cast<void>(
        state_.blobs->prepare_file(state_.stage(big_blob()), digest, big_blob().size()));
  });
  state_.open();
  EXPECT_FALSE(has(big_blob()));
  put(big_blob());
  EXPECT_TRUE(has(big_blob()));
}

TEST_F(Crash, InALargeWriteLeavesNothingBehind) {
  crash_after([&] {
    state_.open();
    static_cast<void>(state_.stage(big_blob()));
  });
  state_.open();
  EXPECT_TRUE(std::filesystem::is_empty(state_.blobs->staging_dir()));
  EXPECT_EQ(state_.blobs->sweep(), 0u);
}

TEST_F(Crash, IsNotNeededForARollBack) {
  state_.open();
  {
    const auto transaction = state_.database->begin().value();
    put(small_blob());
    put(big_blob());
    EXPECT_TRUE(has(small_blob()));
  }
  EXPECT_FALSE(has(small_blob()));
  EXPECT_FALSE(has(big_blob()));
}

}  // namespace
}  // namespace skerry::store
