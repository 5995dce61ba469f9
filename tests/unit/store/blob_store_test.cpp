#include "core/store/blob_store.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "state_dir.hpp"

namespace skerry::store {
namespace {

namespace fs = std::filesystem;

class BlobStoreTest : public testing::Test {
 protected:
  BlobStoreTest() { state_.open(); }
  BlobStore& blobs() { return *state_.blobs; }
  // In a transaction of its own.
  Digest put(const std::string& bytes) {
    const Digest digest = digest_of(as_bytes(bytes));
    auto transaction = state_.database->begin().value();
    EXPECT_TRUE(blobs().put(as_bytes(bytes), digest));
    EXPECT_TRUE(transaction.commit());
    return digest;
  }
  std::string read(const Digest& digest) {
    const auto blob = blobs().find(digest).value();
    return blob ? BlobStore::read_all(*blob).value() : "there is none";
  }
  StateDir state_;
};

TEST_F(BlobStoreTest, KeepsABlobAcrossReopen) {
  for (const std::string& bytes : {std::string(), small_blob(), big_blob()}) {
    const Digest digest = put(bytes);
    state_.open();
    EXPECT_EQ(read(digest), bytes);
    EXPECT_EQ(blobs().find(digest).value()->size, bytes.size());
  }
}

TEST_F(BlobStoreTest, KeepsSmallBlobsInTheDatabaseAndLargeOnesInFiles) {
  const Digest edge = put(std::string(kInlineLimit, 'x'));
  EXPECT_TRUE(blobs().find(edge).value()->is_inline());
  EXPECT_FALSE(fs::exists(blobs().file_path(edge)));

  const Digest beyond = put(std::string(kInlineLimit + 1, 'x'));
  const auto blob = blobs().find(beyond).value();
  EXPECT_EQ(blob->path, state_.root() / "blobs" / beyond.hex().substr(0, 2) / beyond.hex());
  EXPECT_EQ(fs::status(blob->path).permissions(), fs::perms::owner_read);
}

TEST_F(BlobStoreTest, FindsNothingUnderAnUnknownDigest) {
  const Digest digest = digest_of(as_bytes("unknown"));
  EXPECT_EQ(blobs().find(digest).value(), std::nullopt);
  EXPECT_FALSE(blobs().contains(digest).value());
}

TEST_F(BlobStoreTest, StoresTheSameBytesOnce) {
  for (const std::string& bytes : {small_blob(), big_blob()}) {
    const Digest digest = put(bytes);
    EXPECT_EQ(put(bytes), digest);
    EXPECT_EQ(read(digest), bytes);
  }
  EXPECT_TRUE(fs::is_empty(blobs().staging_dir()));
}

TEST_F(BlobStoreTest, TakesOverAWorkersOutputSmallOrLarge) {
  for (const std::string& bytes : {std::string(), small_blob(), big_blob()}) {
    const Digest digest = digest_of(as_bytes(bytes));
    for (int times = 0; times < 2; ++times) {
      const fs::path file = state_.stage(bytes);
      ASSERT_TRUE(blobs().prepare_file(file, digest, bytes.size()));
      ASSERT_TRUE(blobs().record(digest, bytes.size()));
      EXPECT_FALSE(fs::exists(file));
      EXPECT_EQ(read(digest), bytes);
    }
  }
}

TEST_F(BlobStoreTest, RefusesToTakeOverAFileOfAnotherSizeOrNone) {
  const fs::path file = state_.stage(big_blob());
  const Digest digest = digest_of(as_bytes(big_blob()));
  EXPECT_EQ(blobs().prepare_file(file, digest, big_blob().size() - 1).error().code,
            Code::invalid_argument);
  EXPECT_EQ(blobs().prepare_file(file, digest, 10).error().code, Code::invalid_argument);
  EXPECT_TRUE(fs::exists(file));
  EXPECT_EQ(blobs().prepare_file(file.string() + "-none", digest, big_blob().size()).error().code,
            Code::not_found);
  EXPECT_FALSE(blobs().contains(digest).value());
}

TEST_F(BlobStoreTest, DoesNotFollowALinkOutOfTheStagingDirectory) {
  const fs::path outside = state_.root() / "secret";
  ASSERT_TRUE(write_file_durably(outside, big_blob()));
  const fs::path link = blobs().staging_dir() / "link";
  fs::create_symlink(outside, link);
  EXPECT_FALSE(blobs().prepare_file(link, digest_of(as_bytes(big_blob())), big_blob().size()));
  EXPECT_TRUE(fs::exists(outside));
}

TEST_F(BlobStoreTest, PreparesFilesOnOtherThreadsAndRecordsThemLater) {
  std::vector<std::thread> threads;
  std::vector<Digest> digests(8);
  std::atomic<int> failures{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      // Pairs of threads bring the same bytes.
      const std::string bytes = big_blob() + static_cast<char>('a' + i / 2);
      const fs::path file = blobs().staging_dir() / std::to_string(i);
      digests[static_cast<std::size_t>(i)] = digest_of(as_bytes(bytes));
      const bool ok =
          write_file_durably(file, bytes) &&
          blobs().prepare_file(file, digests[static_cast<std::size_t>(i)], bytes.size());
      if (!ok) ++failures;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_FALSE(blobs().contains(digests[0]).value());
  for (const Digest& digest : digests) {
    ASSERT_TRUE(blobs().record(digest, big_blob().size() + 1));
    EXPECT_EQ(digest_of(as_bytes(read(digest))), digest);
  }
}

TEST_F(BlobStoreTest, RecordsNoFileThatIsNotThere) {
  const Digest digest = put(big_blob());
  ASSERT_TRUE(blobs().forget(digest));
  ASSERT_TRUE(blobs().discard(digest));
  const auto recorded = blobs().record(digest, big_blob().size());
  ASSERT_FALSE(recorded);
  EXPECT_EQ(recorded.error().code, Code::not_found);
  EXPECT_FALSE(blobs().contains(digest).value());
}

TEST_F(BlobStoreTest, TellsThatAFileIsDamagedOrGone) {
  const Digest digest = put(big_blob());
  const auto blob = blobs().find(digest).value();
  std::string bytes = big_blob();
  bytes[1234] = '?';
  ASSERT_TRUE(write_file_durably(blob->path, bytes));
  EXPECT_EQ(BlobStore::read_all(*blob).error().code, Code::data_loss);
  fs::remove(blob->path);
  EXPECT_EQ(BlobStore::read_all(*blob).error().code, Code::data_loss);
}

TEST_F(BlobStoreTest, EmptiesTheStagingDirectoryWhenItOpens) {
  fs::create_directory(blobs().staging_dir() / "job");
  static_cast<void>(state_.stage("half an upload"));
  state_.open();
  EXPECT_TRUE(fs::is_empty(blobs().staging_dir()));
}

TEST_F(BlobStoreTest, ForgetsABlobAndFreesItsFile) {
  const Digest digest = put(big_blob());
  const fs::path file = blobs().find(digest).value()->path;
  ASSERT_TRUE(blobs().forget(digest));
  EXPECT_FALSE(blobs().contains(digest).value());
  EXPECT_TRUE(fs::exists(file));
  ASSERT_TRUE(blobs().discard(digest));
  ASSERT_TRUE(blobs().discard(digest));
  EXPECT_FALSE(fs::exists(file));
}

// The last holder of some bytes gives them up while somebody else stores the same bytes.
TEST_F(BlobStoreTest, KeepsAFileThatSomebodyHasAClaimOn) {
  const Digest digest = put(big_blob());
  auto claim = blobs().claim(digest);
  const auto second = blobs().claim(digest);
  ASSERT_TRUE(blobs().forget(digest));
  EXPECT_EQ(blobs().discard(digest).value(), std::nullopt);
  claim.reset();
  EXPECT_EQ(blobs().discard(digest).value(), std::nullopt);
  ASSERT_TRUE(blobs().record(digest, big_blob().size()));
  EXPECT_EQ(read(digest), big_blob());
}

TEST_F(BlobStoreTest, DiscardsNoFileOfABlobThatIsThere) {
  const Digest digest = put(big_blob());
  EXPECT_EQ(blobs().discard(digest).value(), std::nullopt);
  EXPECT_EQ(read(digest), big_blob());
}

TEST_F(BlobStoreTest, ListsItsFilesByParts) {
  const Digest digest = put(big_blob());
  std::vector<Digest> found;
  for (unsigned shard = 0; shard < BlobStore::kShards; ++shard)
    for (const auto& file : blobs().files_in(shard)) {
      found.push_back(file.digest);
      EXPECT_EQ(file.size, big_blob().size());
    }
  EXPECT_EQ(found, std::vector<Digest>{digest});
}

TEST_F(BlobStoreTest, SweepsFilesThatNoRowNames) {
  const Digest kept = put(big_blob());
  const std::string bytes = big_blob() + "!";
  const Digest orphan = digest_of(as_bytes(bytes));
  ASSERT_TRUE(blobs().prepare_file(state_.stage(bytes), orphan, bytes.size()));
  static_cast<void>(state_.stage("work under way"));
  EXPECT_EQ(blobs().sweep(), 1u);
  EXPECT_FALSE(fs::exists(blobs().file_path(orphan)));
  EXPECT_EQ(read(kept), big_blob());
  EXPECT_TRUE(fs::exists(blobs().staging_dir() / "output"));
}

}  // namespace
}  // namespace skerry::store
