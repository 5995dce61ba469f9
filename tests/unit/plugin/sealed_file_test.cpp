#include "core/plugin/sealed_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/base/digest.hpp"
#include "core/plugin/loader.hpp"
#include "tests/unit/plugin/fixtures.hpp"

namespace skerry::plugin {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Sealed : public testing::Test {
 protected:
  Sealed() { fs::copy_file(fixture_file("plain_average"), file_); }
  Feature feature() const {
    Feature feature;
    feature.id = "plain-average";
    feature.kind = "aggregation/1";
    feature.file = file_;
    feature.search_path = dir_.path();
    return feature;
  }
  const TempDir dir_ = temp_dir();
  const fs::path file_ = dir_.path() / "plugin.so";
};

TEST_F(Sealed, CopyHasTheFilesDigestAndCannotBeChanged) {
  const auto copy = SealedFile::copy(file_);
  ASSERT_TRUE(copy) << copy.error().text();
  EXPECT_EQ(copy->digest(), digest_of_file(file_)->hex());
  std::ofstream(copy->path(), std::ios::app) << "more";
  std::fstream(copy->path(), std::ios::in | std::ios::out) << "other";
  EXPECT_EQ(digest_of_file(copy->path())->hex(), copy->digest());
}

TEST_F(Sealed, CopyWaitsWhileTheKernelHoldsAPageOfIt) {
  const int memory = ::memfd_create("copy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  ASSERT_EQ(::write(memory, "text", 4), 4);
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  off64_t from = 0;
  ASSERT_EQ(::splice(memory, &from, pipe[1], nullptr, 4, 0), 4);  // the pipe holds the page now
  ASSERT_NE(::fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE), 0);
  ASSERT_EQ(errno, EBUSY);
  std::thread reader([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    char text[4];
    EXPECT_EQ(::read(pipe[0], text, sizeof text), 4);
  });
  const Status sealed = seal(memory, "plugin.so");
  reader.join();
  EXPECT_TRUE(sealed) << sealed.error().text();
  EXPECT_LT(::write(memory, "more", 4), 0);
  for (const int fd : {memory, pipe[0], pipe[1]}) ::close(fd);
}

TEST_F(Sealed, CopyIsRefusedOfAFileThatAnybodyMayWrite) {
  ::chmod(file_.c_str(), 0666);
  const auto copy = SealedFile::copy(file_);
  ASSERT_FALSE(copy);
  EXPECT_THAT(copy.error().text(), HasSubstr("refused: anybody may write to it"));
}

TEST_F(Sealed, CodeIsRefusedWhenTheFileWasSwappedSinceTheJobBegan) {
  const std::string before = digest_of_file(file_)->hex();
  std::ofstream(file_, std::ios::app) << "swapped";  // still a library that works
  const auto loaded = Loader().load(feature(), before);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().text(),
              HasSubstr(file_.string() + ": was replaced since the job began: its digest was " +
                        before + ", now it is " + digest_of_file(file_)->hex()));
}

TEST_F(Sealed, CodeThatRunsIsWhatWasHashed) {
  const auto loaded = Loader().load(feature());
  ASSERT_TRUE(loaded) << loaded.error().text();
  EXPECT_EQ(loaded->digest, digest_of_file(file_)->hex());
  fs::remove(file_);
  write(file_, "no library at all");
  EXPECT_EQ(loaded->entry->abi_major, SKERRY_ABI_MAJOR);
  EXPECT_FALSE(Loader().load(feature()));
}

TEST_F(Sealed, IsCheckedBeforeAnyOfItsCodeRuns) {
  bool told = false;
  const auto wrong = Loader().load(feature(), std::string(64, '0'),
                                   [&](const auto&, const auto&) { told = true; });
  EXPECT_FALSE(wrong);
  EXPECT_FALSE(told);
}

}  // namespace
}  // namespace skerry::plugin
