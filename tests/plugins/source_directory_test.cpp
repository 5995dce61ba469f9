// The source directory, on folders of small pictures.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cmath>
#include <fstream>
#include <opencv2/imgcodecs.hpp>

#include "source_support.hpp"

using namespace skerry_test;
using namespace std::chrono_literals;
using nlohmann::json;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;

// A PNG whose pixels all have this level.
std::string picture(int level, int channels = 1) {
  std::vector<std::uint8_t> png;
  cv::imencode(".png", cv::Mat(6, 8, CV_8UC(channels), cv::Scalar::all(level)), png);
  return {png.begin(), png.end()};
}

Names names_of(const std::vector<Given>& all) {
  Names names;
  for (const Given& given : all) names.push_back(given.name);
  return names;
}

class DirectorySource : public testing::Test {
 protected:
  DirectorySource() { fs::create_directory(folder()); }

  std::string folder() const { return root.path("in"); }
  std::string in(const std::string& name) const { return root.path("in/" + name); }
  void put(const std::string& name, int level) const { root.write("in/" + name, picture(level)); }
  // Written elsewhere, then moved there.
  void move_in(const std::string& name, const std::string& content) const {
    fs::rename(root.write("aside", content), in(name));
  }
  json config(const json& more = json::object()) const {
    json all = {{"path", folder()}};
    all.update(more);
    return all;
  }
  std::string refusal(const json& config, const std::string& field) {
    const Outcome outcome = plugin.create_outcome("directory", "source/1", config);
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
    EXPECT_EQ(outcome.field, field);
    return outcome.message;
  }
  Outcome refused_at_open(const json& config) {
    SourceUnderTest source(plugin, "directory", config);
    Outcome outcome = source.open({6, 8});
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
    return outcome;
  }

  Folder root;
  PluginUnderTest plugin{"directory"};
};

// ---- which files

TEST_F(DirectorySource, GivesTheFilesThatAreThereByName) {
  for (const int level : {30, 10, 20}) put(std::to_string(level) + ".png", level);
  SourceUnderTest source(plugin, "directory", config({{"once", true}}));
  source.must_open({6, 8});
  const auto all = source.all();
  ASSERT_EQ(names_of(all), (Names{"10.png", "20.png", "30.png"}));
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].number, i);
    EXPECT_EQ(all[i].mean(), 10 * (static_cast<int>(i) + 1));
    EXPECT_EQ(all[i].label, -1);
    EXPECT_TRUE(std::isnan(all[i].seconds));
  }
  EXPECT_FALSE(source.next(0ms).has_value());
  EXPECT_TRUE(source.ended());
}

TEST_F(DirectorySource, ScalesPicturesToPlanesOfRedGreenAndBlue) {
  cv::imwrite(in("a.png"), cv::Mat(12, 16, CV_8UC3, cv::Scalar(30, 20, 10)));
  SourceUnderTest source(plugin, "directory", config({{"once", true}}));
  source.must_open({3, 6, 8});
  const Given given = source.next().value();
  for (std::size_t i = 0; i < given.levels.size(); ++i)
    ASSERT_EQ(given.levels[i], 10 * (i / 48 + 1)) << i;
}

TEST_F(DirectorySource, TakesWhatThePatternNames) {
  for (const char* name : {"a.png", "b.PNG", "c.png", ".d.png", "e.png.part"}) put(name, 50);
  fs::create_directory(in("f.png"));
  SourceUnderTest source(plugin, "directory", config({{"once", true}, {"pattern", "[a-z].png"}}));
  source.must_open({6, 8});
  EXPECT_EQ(names_of(source.all()), (Names{"a.png", "c.png"}));
}

TEST_F(DirectorySource, TakesWithoutAPatternWhatIsAPicture) {
  put("a.png", 10);
  put("b", 20);
  root.write("in/notes.txt", "hello");
  SourceUnderTest source(plugin, "directory", config({{"once", true}}));
  source.must_open({6, 8});
  EXPECT_EQ(names_of(source.all()), (Names{"a.png", "b"}));
  EXPECT_EQ(source.host().count(""), 0U);
}

TEST_F(DirectorySource, PassesOverWhatIsNoPictureWithOneWarning) {
  put("a.png", 10);
  root.write("in/b.jpg", "this is no picture");
  root.write("in/c.png", picture(20).substr(0, 40));
  put("d.png", 40);
  SourceUnderTest source(plugin, "directory", config({{"then", "delete"}}));
  source.must_open({6, 8});
  for (const char* name : {"a.png", "d.png"}) {
    const Given given = source.next().value();
    EXPECT_EQ(given.name, name);
    source.done(given.number);
  }
  EXPECT_FALSE(source.next(50ms).has_value());
  for (const char* name : {"b.jpg", "c.png"}) {
    EXPECT_EQ(source.host().count(in(name) + ": not a picture"), 1U);
    EXPECT_TRUE(fs::exists(in(name)));
  }
}

// ---- files that come

TEST_F(DirectorySource, NoticesFilesThatAreMovedThereAndThatAreWritten) {
  SourceUnderTest source(plugin, "directory", config());
  source.must_open({6, 8});
  EXPECT_FALSE(source.next(0ms).has_value());
  EXPECT_FALSE(source.ended());
  move_in("moved.png", picture(10));
  EXPECT_EQ(source.next().value().name, "moved.png");
  put("written.png", 20);
  EXPECT_EQ(source.next().value().name, "written.png");
  EXPECT_FALSE(source.next(50ms).has_value());
}

TEST_F(DirectorySource, LeavesAFileThatIsBeingWrittenUntilItIsClosed) {
  const std::string content = picture(70);
  SourceUnderTest source(plugin, "directory", config());
  source.must_open({6, 8});
  std::ofstream file(in("a.png"), std::ios::binary);
  file << content.substr(0, 40) << std::flush;
  EXPECT_FALSE(source.next(100ms).has_value());
  file << content.substr(40);
  file.close();
  EXPECT_EQ(source.next().value().mean(), 70);
  EXPECT_EQ(source.host().count(""), 0U);
}

TEST_F(DirectorySource, ReadsAFileAgainThatWasHalfThereAtTheBeginning) {
  const std::string content = picture(70);
  std::ofstream file(in("a.png"), std::ios::binary);
  file << content.substr(0, 40) << std::flush;
  SourceUnderTest source(plugin, "directory", config());
  source.must_open({6, 8});
  EXPECT_FALSE(source.next(50ms).has_value());
  file << content.substr(40);
  file.close();
  EXPECT_EQ(source.next().value().mean(), 70);
}

TEST_F(DirectorySource, ReadsAFileAgainThatWasReplaced) {
  put("snapshot.png", 10);
  SourceUnderTest source(plugin, "directory", config());
  source.must_open({6, 8});
  EXPECT_EQ(source.next().value().mean(), 10);
  move_in("snapshot.png", picture(20));
  const Given second = source.next().value();
  EXPECT_EQ(second.mean(), 20);
  EXPECT_EQ(second.number, 1U);
  EXPECT_FALSE(source.next(50ms).has_value());
}

TEST_F(DirectorySource, LeavesAloneWhatWasThereWhereThatDoesNotCount) {
  put("old.png", 10);
  SourceUnderTest source(plugin, "directory", config({{"existing", false}}));
  source.must_open({6, 8});
  EXPECT_FALSE(source.next(50ms).has_value());
  put("new.png", 20);
  EXPECT_EQ(source.next().value().name, "new.png");
  EXPECT_FALSE(source.next(50ms).has_value());
}

TEST_F(DirectorySource, FindsWhatCameWhileMoreHappenedThanTheKernelKeeps) {
  std::ifstream limit_file("/proc/sys/fs/inotify/max_queued_events");
  std::size_t limit = 0;
  limit_file >> limit;
  if (limit == 0 || limit > 200'000) GTEST_SKIP() << "the kernel keeps " << limit << " events";
  put("known.png", 10);
  root.write("in/a.tmp", "");
  SourceUnderTest source(plugin, "directory", config({{"pattern", "*.png"}}));
  source.must_open({6, 8});
  EXPECT_EQ(source.next().value().name, "known.png");
  for (std::size_t i = 0; i <= limit / 2; ++i)  // two events each
    fs::rename(in(i % 2 == 0 ? "a.tmp" : "b.tmp"), in(i % 2 == 0 ? "b.tmp" : "a.tmp"));
  move_in("missed.png", picture(20));
  const auto began = Clock::now();
  EXPECT_EQ(source.next().value().name, "missed.png");
  EXPECT_LT(Clock::now() - began, 15s);
  put("later.png", 30);
  EXPECT_EQ(source.next().value().name, "later.png");
  EXPECT_FALSE(source.next(50ms).has_value());
}

TEST_F(DirectorySource, FindsAFolderAgainThatWasAway) {
  put("a.png", 10);
  SourceUnderTest source(plugin, "directory", config());
  source.must_open({6, 8});
  EXPECT_EQ(source.next().value().name, "a.png");
  fs::rename(folder(), root.path("away"));
  EXPECT_FALSE(source.next(50ms).has_value());
  EXPECT_FALSE(source.ended());
  EXPECT_EQ(source.host().count("the folder is gone"), 1U);
  root.write("away/b.png", picture(20));
  fs::rename(root.path("away"), folder());
  const auto began = Clock::now();
  EXPECT_EQ(source.next().value().name, "b.png");
  EXPECT_LT(Clock::now() - began, 15s);
  EXPECT_EQ(source.host().count("the folder is there again"), 1U);
  put("c.png", 30);
  EXPECT_EQ(source.next().value().name, "c.png");
}

// ---- files that are done with

TEST_F(DirectorySource, DeletesAFileWhenItIsDoneWith) {
  put("a.png", 10);
  put("b.png", 20);
  SourceUnderTest source(plugin, "directory", config({{"then", "delete"}, {"once", true}}));
  source.must_open({6, 8});
  const auto all = source.all();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(fs::exists(in("a.png")));
  source.done(all[0].number);
  EXPECT_FALSE(fs::exists(in("a.png")));
  EXPECT_TRUE(fs::exists(in("b.png")));
  source.destroy();
  EXPECT_TRUE(fs::exists(in("b.png"))) << "it was not done with";
}

TEST_F(DirectorySource, GivesAgainAfterARestartWhatWasNotDoneWith) {
  put("a.png", 10);
  put("b.png", 20);
  const json settings = config({{"then", "delete"}, {"once", true}});
  {
    SourceUnderTest source(plugin, "directory", settings);
    source.must_open({6, 8});
    ASSERT_EQ(source.all().size(), 2U);
    source.done(0);
  }
  SourceUnderTest source(plugin, "directory", settings);
  source.must_open({6, 8});
  EXPECT_EQ(names_of(source.all()), (Names{"b.png"}));
}

TEST_F(DirectorySource, MovesAFileWhenItIsDoneWithAndReplacesNone) {
  put("a.png", 10);
  root.write("out/a.png", "another");
  SourceUnderTest source(plugin, "directory",
                         config({{"then", "move"}, {"moveTo", root.path("out")}}));
  source.must_open({6, 8});
  const Given given = source.next().value();
  EXPECT_FALSE(fs::exists(root.path("out/a-2.png")));
  source.done(given.number);
  EXPECT_FALSE(fs::exists(in("a.png")));
  EXPECT_TRUE(fs::exists(root.path("out/a-2.png")));
  EXPECT_EQ(fs::file_size(root.path("out/a.png")), 7U);
  EXPECT_FALSE(source.next(50ms).has_value());
}

TEST_F(DirectorySource, MovesAFileToAnotherFileSystem) {
  struct stat here = {}, there = {};
  if (::stat("/dev/shm", &there) != 0 || ::stat(folder().c_str(), &here) != 0 ||
      here.st_dev == there.st_dev)
    GTEST_SKIP() << "there is one file system only";
  std::string target = "/dev/shm/skerry-test-XXXXXX";
  ASSERT_NE(::mkdtemp(target.data()), nullptr);
  put("a.png", 10);
  SourceUnderTest source(plugin, "directory", config({{"then", "move"}, {"moveTo", target}}));
  source.must_open({6, 8});
  source.done(source.next().value().number);
  EXPECT_FALSE(fs::exists(in("a.png")));
  EXPECT_EQ(fs::file_size(target + "/a.png"), picture(10).size());
  EXPECT_EQ(std::distance(fs::directory_iterator(target), {}), 1) << "it left something behind";
  fs::remove_all(target);
}

TEST_F(DirectorySource, KeepsAFileThatWasReplacedBeforeItWasDoneWith) {
  put("a.png", 10);
  SourceUnderTest source(plugin, "directory", config({{"then", "delete"}}));
  source.must_open({6, 8});
  const Given first = source.next().value();
  move_in("a.png", picture(20));
  source.done(first.number);
  EXPECT_TRUE(fs::exists(in("a.png")));
  const Given second = source.next().value();
  EXPECT_EQ(second.mean(), 20);
  source.done(second.number);
  EXPECT_FALSE(fs::exists(in("a.png")));
}

TEST_F(DirectorySource, TriesAgainToMoveWhatCouldNotBeMoved) {
  put("a.png", 10);
  put("b.png", 20);
  SourceUnderTest source(plugin, "directory",
                         config({{"then", "move"}, {"moveTo", root.path("out")}}));
  source.must_open({6, 8});
  fs::remove(root.path("out"));
  root.write("out", "a file where the folder was");
  source.done(source.next().value().number);
  EXPECT_EQ(source.host().count(in("a.png") + ": cannot be moved"), 1U);
  fs::remove(root.path("out"));
  fs::create_directory(root.path("out"));
  source.done(source.next().value().number);
  EXPECT_TRUE(fs::exists(root.path("out/a.png")));
  EXPECT_TRUE(fs::exists(root.path("out/b.png")));
}

// ---- what a person has to change

TEST_F(DirectorySource, RefusesAFolderThatIsMissingOrAFile) {
  const Outcome missing = refused_at_open({{"path", root.path("none")}});
  EXPECT_EQ(missing.field, "path");
  EXPECT_EQ(missing.message, root.path("none") + ": no such folder");
  EXPECT_EQ(refused_at_open({{"path", root.write("file", "")}}).field, "path");
}

TEST_F(DirectorySource, RefusesToPutFilesAwayWhereItMayNotWrite) {
  const Outcome from = refused_at_open({{"path", "/proc"}, {"then", "delete"}});
  EXPECT_EQ(from.field, "path");
  EXPECT_NE(from.message.find("--allow-write /proc"), std::string::npos) << from;
  const std::string below = root.write("file", "") + "/out";
  const Outcome to = refused_at_open(config({{"then", "move"}, {"moveTo", below}}));
  EXPECT_EQ(to.field, "moveTo");
  EXPECT_NE(to.message.find(below + ": files cannot be put away there"), std::string::npos) << to;
  EXPECT_EQ(refused_at_open(config({{"then", "move"}, {"moveTo", folder() + "/."}})).message,
            "is the folder that is watched; name another");
}

TEST_F(DirectorySource, RefusesSettingsThatContradictEachOther) {
  EXPECT_EQ(refusal(config({{"then", "move"}}), "moveTo"), "is missing: `then: move` needs it");
  EXPECT_EQ(refusal(config({{"moveTo", "/x"}}), "moveTo"), "is of use with `then: move` only");
  EXPECT_NE(refusal(config({{"once", true}, {"existing", false}}), "once").find("nothing to do"),
            std::string::npos);
  EXPECT_NE(refusal(config({{"pattern", "a/*.jpg"}}), "pattern").find("found \"a/*.jpg\""),
            std::string::npos);
}

TEST_F(DirectorySource, RefusesExamplesThatAreNoPictures) {
  SourceUnderTest source(plugin, "directory", config());
  const Outcome outcome = source.open({10});
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(outcome.field, "input.shape");
}

}  // namespace
