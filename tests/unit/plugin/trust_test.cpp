#include "core/plugin/trust.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/plugin/fixtures.hpp"

namespace skerry::plugin {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Trust : public testing::Test {
 protected:
  Trust() {
    fs::create_directory(plugins_);
    write(file_, "code");
    ::chmod(file_.c_str(), 0644);
  }
  std::string problem(const fs::path& file) {
    const auto status = check_trust(file, plugins_);
    return status ? "none" : status.error().text();
  }

  const TempDir dir_ = temp_dir();
  const fs::path plugins_ = dir_.path() / "plugins";
  const fs::path file_ = plugins_ / "a.so";
};

TEST_F(Trust, IsGivenToAnOrdinaryFileOfTheUser) {
  EXPECT_EQ(problem(file_), "none");
}

TEST_F(Trust, IsGivenToALinkWithinTheDirectory) {
  fs::create_symlink("a.so", plugins_ / "b.so");
  EXPECT_EQ(problem(plugins_ / "b.so"), "none");
}

TEST_F(Trust, IsDeniedToALinkOutOfTheDirectory) {
  write(dir_.path() / "elsewhere.so", "code");
  fs::create_symlink("../elsewhere.so", plugins_ / "b.so");
  EXPECT_THAT(problem(plugins_ / "b.so"),
              HasSubstr("refused: it is a link that leads out of its directory, to " +
                        fs::canonical(dir_.path() / "elsewhere.so").string()));
}

TEST_F(Trust, IsDeniedToALinkToNothing) {
  fs::create_symlink("nothing.so", plugins_ / "b.so");
  EXPECT_THAT(problem(plugins_ / "b.so"), HasSubstr("cannot follow the link"));
}

TEST_F(Trust, IsDeniedToAFileThatAnybodyMayWrite) {
  ::chmod(file_.c_str(), 0646);
  EXPECT_EQ(problem(file_),
            file_.string() + ": refused: anybody may write to it; when you trust it: chmod go-w " +
                fs::canonical(file_).string());
}

TEST_F(Trust, IsDeniedToAFileThatItsGroupMayWrite) {
  ::chmod(file_.c_str(), 0664);
  EXPECT_THAT(problem(file_), HasSubstr("refused: its group (" + std::to_string(::getegid()) +
                                        ") may write to it; when you trust it: chmod go-w "));
}

TEST_F(Trust, IsDeniedToAnotherUsersFile) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root can give a file away";
  }
  ASSERT_EQ(::chown(file_.c_str(), 12345, 12345), 0);
  EXPECT_THAT(problem(file_), HasSubstr("refused: it is owned by user 12345, expected root or this "
                                        "process's user (0); when you trust it: chown 0 "));
}

TEST_F(Trust, IsDeniedToADirectory) {
  fs::create_directory(plugins_ / "c.so");
  EXPECT_THAT(problem(plugins_ / "c.so"), HasSubstr("refused: it is no regular file"));
}

TEST_F(Trust, IsDeniedToADirectoryWhereAnybodyMayReplaceFiles) {
  EXPECT_TRUE(check_directory_trust(plugins_));
  ::chmod(plugins_.c_str(), 0777);
  const auto status = check_directory_trust(plugins_);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("anybody may replace files in it"));
  ::chmod(plugins_.c_str(), 0775);
  EXPECT_THAT(check_directory_trust(plugins_).error().message,
              HasSubstr("may replace files in it; when you trust what is there: chmod go-w " +
                        plugins_.string()));
  ::chmod(plugins_.c_str(), 01777);
  EXPECT_TRUE(check_directory_trust(plugins_));
}

}  // namespace
}  // namespace skerry::plugin
