#include "core/base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

namespace skerry {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  fs::path path(const char* name) const { return directory_.path() / name; }
  std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_.path())) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }
  TempDir directory_ = TempDir::create().value();
};

TEST_F(Files, AreReadBackAsTheyWereWritten) {
  const std::string text("a\0b\nc", 5);
  ASSERT_TRUE(write_file_durably(path("file"), text));
  EXPECT_EQ(read_file(path("file")), text);
}

TEST_F(Files, AreReplacedWholeAndLeaveNoTemporaryFile) {
  ASSERT_TRUE(write_file_durably(path("file"), std::string(100'000, 'x')));
  ASSERT_TRUE(write_file_durably(path("file"), "short"));
  EXPECT_EQ(read_file(path("file")), "short");
  EXPECT_EQ(names(), std::set<std::string>{"file"});
}

TEST_F(Files, ArePrivateUnlessSaidOtherwise) {
  ASSERT_TRUE(write_file_durably(path("key"), "secret"));
  EXPECT_EQ(fs::status(path("key")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(Files, LeaveNothingBehindWhenTheWriteFails) {
  fs::create_directory(path("occupied"));
  const auto status = write_file_durably(path("occupied"), "text");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().where, path("occupied"));
  EXPECT_EQ(names(), std::set<std::string>{"occupied"});
}

TEST_F(Files, ThatAreMissingAreNamedInTheProblem) {
  const auto text = read_file(path("none"));
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::not_found);
  EXPECT_EQ(text.error().text(),
            path("none").string() + ": cannot open: No such file or directory");
}

TEST_F(Files, LargerThanTheLimitAreRefused) {
  ASSERT_TRUE(write_file_durably(path("file"), "0123456789"));
  EXPECT_TRUE(read_file(path("file"), 10));
  EXPECT_EQ(read_file(path("file"), 9).error().code, Code::invalid_argument);
}

TEST_F(Files, ThatAreDirectoriesOrPipesAreRefusedWithoutWaiting) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_file(path("pipe")).error().code, Code::invalid_argument);
  EXPECT_EQ(read_file(directory_.path()).error().message, "this is a directory, a file is wanted");
  EXPECT_FALSE(MappedFile::open(path("pipe")));
}

TEST_F(Files, OfTheKernelAreReadThoughTheyClaimToBeEmpty) {
  const auto text = read_file("/proc/self/status");
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("Pid:"), std::string::npos);
}

TEST_F(Files, AreMappedWithAllTheirBytes) {
  const std::string text(10'000, 'm');
  ASSERT_TRUE(write_file_durably(path("file"), text));
  auto mapped = MappedFile::open(path("file"));
  ASSERT_TRUE(mapped);
  const MappedFile moved = std::move(*mapped);
  EXPECT_EQ(as_text(moved.bytes()), text);
}

TEST_F(Files, ThatAreEmptyMapToNoBytes) {
  ASSERT_TRUE(write_file_durably(path("file"), ""));
  const auto mapped = MappedFile::open(path("file"));
  ASSERT_TRUE(mapped);
  EXPECT_TRUE(mapped->bytes().empty());
}

TEST_F(Files, ThatCannotBeSyncedAreDataLoss) {
  // A device without storage refuses fdatasync, as a failing disk does.
  const auto device = open_file("/dev/null", O_WRONLY);
  ASSERT_TRUE(device);
  const auto status = sync_data(device->get(), "/dev/null");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::data_loss);
}

TEST_F(Files, HaveTheirDirectoriesMadeWithAllParents) {
  ASSERT_TRUE(make_directories(path("a/b/c")));
  ASSERT_TRUE(make_directories(path("a/b/c")));
  EXPECT_EQ(fs::status(path("a/b")).permissions(), fs::perms::owner_all);
  ASSERT_TRUE(write_file_durably(path("file"), "x"));
  EXPECT_EQ(make_directories(path("file")).error().code, Code::already_exists);
}

TEST(UniqueFd, ClosesWhatItOwnsOnce) {
  auto file = open_file("/dev/null", O_RDONLY);
  ASSERT_TRUE(file);
  const int fd = file->get();
  UniqueFd moved = std::move(*file);
  EXPECT_FALSE(*file);
  EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  moved.reset();
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

TEST(TempDir, IsPrivateAndGoesWithItsContent) {
  fs::path path;
  {
    const auto directory = TempDir::create().value();
    path = directory.path();
    EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
    ASSERT_TRUE(make_directories(path / "a/b"));
    ASSERT_TRUE(write_file_durably(path / "a/b/file", "x"));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(TempDir, IsKeptWhenItIsReleased) {
  fs::path path;
  {
    auto directory = TempDir::create().value();
    path = directory.release();
  }
  EXPECT_TRUE(fs::exists(path));
  fs::remove(path);
}

}  // namespace
}  // namespace skerry
