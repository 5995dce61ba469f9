// The source directory, on folders of small pictures.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

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

// The most that this process had in memory since the last call, in bytes.
std::size_t peak_of_memory() {
  std::ifstream status("/proc/self/status");
  std::size_t peak = 0;
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) peak = std::stoul(line.substr(6)) * 1024;
  std::ofstream("/proc/self/clear_refs") << "5\n";
  return peak;
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
  // Nobody has written to it for long.
  void put_old(const std::string& name, int level) const {
    put(name, level);
    age(in(name));
  }
  static void age(const std::string& path) {
    fs::last_write_time(path, fs::file_time_type::clock::now() - 1h);
  }
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
  put_old("a.png", 10);
  root.write("in/b.jpg", "this is no picture");
  root.write("in/c.png", picture(20).substr(0, 40));
  put_old("d.png", 40);
  for (const char* name : {"b.jpg", "c.png"}) age(in(name));
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

// A hundred kilobytes that are 81 megapixels.
TEST_F(DirectorySource, PassesOverBombsBeforeTheyTakeMemory) {
  cv::imwrite(in("a.png"), cv::Mat(9000, 9000, CV_8UC1, cv::Scalar(0)),
              {cv::IMWRITE_PNG_COMPRESSION, 9});
  put("b.png", 20);
  SourceUnderTest source(plugin, "directory", config({{"once", true}}));
  source.must_open({6, 8});
  peak_of_memory();
  const std::size_t before = peak_of_memory();
  EXPECT_EQ(names_of(source.all()), (Names{"b.png"}));
  EXPECT_LT(peak_of_memory(), before + (32U << 20));
  EXPECT_EQ(source.host().count(in("a.png") + ": not a picture"), 1U);
  EXPECT_EQ(source.host().count("9000 x 9000 pixels; at most 64 megapixels"), 1U);
}

TEST_F(DirectorySource, PassesOverFormatsWhoseSizeItCannotTellAndFilesThatAreTooLarge) {
  cv::imwrite(in("a.tiff"), cv::Mat(6, 8, CV_8UC1, cv::Scalar(10)));
  put("b.png", 20);
  fs::resize_file(in("b.png"), std::uintmax_t{300} << 20);  // without blocks on the disk
  put("c.png", 30);
  for (const json& more : {json::object(), json{{"pattern", "*"}}}) {
    json settings = config({{"once", true}});
    settings.update(more);
    SourceUnderTest source(plugin, "directory", settings);
    source.must_open({6, 8});
    EXPECT_EQ(names_of(source.all()), (Names{"c.png"}));
    EXPECT_EQ(source.host().count(in("a.tiff") + ": not a picture"), 1U);
    EXPECT_EQ(source.host().count(in("b.png") + ": not a picture"), 1U);
    EXPECT_EQ(source.host().count("its file has more than 256 MiB"), 1U);
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

// Half of it may look like a picture.
TEST_F(DirectorySource, LeavesAFileThatWasThereAtTheBeginningUntilItIsSettled) {
  put_old("old.png", 10);
  const std::string half = "P5 8 6 255\n" + std::string(48, '\x14');
  std::ofstream file(in("new.pgm"), std::ios::binary);
  file << half << std::flush;
  SourceUnderTest source(plugin, "directory", config({{"then", "delete"}}));
  source.must_open({6, 8});
  EXPECT_EQ(source.next().value().name, "old.png");
  EXPECT_FALSE(source.next(500ms).has_value());
  const Given given = source.next().value();
  EXPECT_EQ(given.name, "new.pgm");
  source.done(given.number);
  EXPECT_FALSE(fs::exists(in("new.pgm")));
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
  put_old("snapshot.png", 10);
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
  put_old("known.png", 10);
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
  put_old("a.png", 10);
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
  put_old("a.png", 10);
  put_old("b.png", 20);
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

TEST_F(DirectorySource, WaitsWithOnceForFilesThatMayStillBeWritten) {
  put("a.png", 10);
  put_old("b.png", 20);
  SourceUnderTest source(plugin, "directory", config({{"then", "delete"}, {"once", true}}));
  source.must_open({6, 8});
  const auto all = source.all();
  EXPECT_EQ(names_of(all), (Names{"b.png", "a.png"}));
  for (const Given& given : all) source.done(given.number);
  EXPECT_TRUE(fs::is_empty(folder()));
}

TEST_F(DirectorySource, KeepsWithOnceAFileThatSomebodyIsWritingTo) {
  put("a.png", 10);
  SourceUnderTest source(plugin, "directory", config({{"then", "delete"}, {"once", true}}));
  source.must_open({6, 8});
  EXPECT_FALSE(source.next(1s).has_value());
  EXPECT_FALSE(source.ended());
  put("a.png", 20);
  const auto all = source.all();
  ASSERT_EQ(names_of(all), (Names{"a.png"}));
  source.done(all[0].number);
  EXPECT_TRUE(fs::exists(in("a.png")));
}

TEST_F(DirectorySource, GivesAgainAfterARestartWhatWasNotDoneWith) {
  put_old("a.png", 10);
  put_old("b.png", 20);
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
  put_old("a.png", 10);
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

TEST_F(DirectorySource, ShortensANameThatWouldBeTooLongWithANumber) {
  std::string name = "a";
  while (name.size() + 2 + 4 <= 255) name += "\xC3\xA9";
  name += ".png";
  ASSERT_EQ(name.size(), 255U);
  const std::string shorter = name.substr(0, 255 - 4 - 2) + "-2.png";
  root.write("out/" + name, "another");
  put_old(name, 10);
  SourceUnderTest source(plugin, "directory",
                         config({{"then", "move"}, {"moveTo", root.path("out")}}));
  source.must_open({6, 8});
  source.done(source.next().value().number);
  EXPECT_FALSE(fs::exists(in(name)));
  EXPECT_TRUE(fs::exists(root.path("out/" + shorter)));
  EXPECT_EQ(fs::file_size(root.path("out/" + name)), 7U);
}

TEST_F(DirectorySource, RemovesTheCopiesOfAWorkerThatWasKilled) {
  age(root.write("out/.skerry-aB3dE9", "half a pic"));
  root.write("out/.skerry-xY7zW2", "of a worker that is at it");
  age(root.write("out/.other", "of a person"));
  age(root.write("in/.skerry-qR5tU1", ""));
  SourceUnderTest source(plugin, "directory",
                         config({{"then", "move"}, {"moveTo", root.path("out")}}));
  source.must_open({6, 8});
  EXPECT_FALSE(fs::exists(root.path("out/.skerry-aB3dE9")));
  EXPECT_FALSE(fs::exists(in(".skerry-qR5tU1")));
  EXPECT_TRUE(fs::exists(root.path("out/.skerry-xY7zW2")));
  EXPECT_TRUE(fs::exists(root.path("out/.other")));
}

TEST_F(DirectorySource, MovesAFileToAnotherFileSystem) {
  struct stat here = {}, there = {};
  if (::stat("/dev/shm", &there) != 0 || ::stat(folder().c_str(), &here) != 0 ||
      here.st_dev == there.st_dev)
    GTEST_SKIP() << "there is one file system only";
  std::string target = "/dev/shm/skerry-test-XXXXXX";
  ASSERT_NE(::mkdtemp(target.data()), nullptr);
  put_old("a.png", 10);
  SourceUnderTest source(plugin, "directory", config({{"then", "move"}, {"moveTo", target}}));
  source.must_open({6, 8});
  source.done(source.next().value().number);
  EXPECT_FALSE(fs::exists(in("a.png")));
  EXPECT_EQ(fs::file_size(target + "/a.png"), picture(10).size());
  EXPECT_EQ(std::distance(fs::directory_iterator(target), {}), 1) << "it left something behind";
  fs::remove_all(target);
}

TEST_F(DirectorySource, KeepsAFileThatWasReplacedBeforeItWasDoneWith) {
  put_old("a.png", 10);
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
  put_old("a.png", 10);
  put_old("b.png", 20);
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

TEST_F(DirectorySource, IsNotHeldUpByAFileThatCannotBeMoved) {
  const std::string longest = "a." + std::string(253, 'p');  // there is no room for a number
  root.write("out/" + longest, "another");
  put_old(longest, 10);
  put_old("b.png", 20);
  put_old("c.png", 30);
  SourceUnderTest source(plugin, "directory",
                         config({{"then", "move"}, {"moveTo", root.path("out")}, {"once", true}}));
  source.must_open({6, 8});
  for (const Given& given : source.all()) source.done(given.number);
  EXPECT_TRUE(fs::exists(root.path("out/b.png")));
  EXPECT_TRUE(fs::exists(root.path("out/c.png")));
  EXPECT_TRUE(fs::exists(in(longest)));
  EXPECT_EQ(source.host().count("cannot be moved"), 1U);
}

TEST_F(DirectorySource, LeavesNoCopyElsewhereOfAFileThatItMayNotDelete) {
  struct stat here = {}, there = {};
  if (::stat("/dev/shm", &there) != 0 || ::stat(folder().c_str(), &here) != 0 ||
      here.st_dev == there.st_dev)
    GTEST_SKIP() << "there is one file system only";
  std::string target = "/dev/shm/skerry-test-XXXXXX";
  ASSERT_NE(::mkdtemp(target.data()), nullptr);
  put_old("a.png", 10);
  SourceUnderTest source(plugin, "directory", config({{"then", "move"}, {"moveTo", target}}));
  source.must_open({6, 8});
  const std::uint64_t number = source.next().value().number;
  for (const std::string& open : {root.path(""), target}) fs::permissions(open, fs::perms::all);
  fs::permissions(folder(), fs::perms(0555));
  const uid_t user = ::geteuid();
  ASSERT_EQ(::seteuid(user == 0 ? 65534 : user), 0);  // one to whom permissions matter
  source.done(number);
  ASSERT_EQ(::seteuid(user), 0);
  fs::permissions(folder(), fs::perms::all);
  EXPECT_TRUE(fs::exists(in("a.png")));
  EXPECT_TRUE(fs::is_empty(target)) << "each further try would leave another copy";
  EXPECT_EQ(source.host().count("cannot be moved"), 1U);
  fs::remove_all(target);
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
