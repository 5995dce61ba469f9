// The sinks that write pictures: annotated-video, labelled-images and frame-page.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <utime.h>

#include <atomic>
#include <chrono>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <opencv2/videoio/registry.hpp>
#include <set>
#include <thread>

#include "dataset_under_test.hpp"
#include "sink_support.hpp"

using namespace sink_test;
using skerry_test::DatasetUnderTest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

namespace {

const std::vector<std::int64_t> kColour = {3, 48, 64}, kGrey = {1, 28, 28};

// Blue, green, red.
const cv::Vec3b kOrange(0, 159, 230), kBlue(233, 180, 86), kVermilion(0, 94, 213);

// Planes of one level each; of the colour shape.
std::vector<std::uint8_t> planes(std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  std::vector<std::uint8_t> levels;
  for (const std::uint8_t level : {red, green, blue}) levels.insert(levels.end(), 48 * 64, level);
  return levels;
}

// JPEG changes colours a little, and those of thin lines more.
bool near(const cv::Vec3b& found, const cv::Vec3b& expected, int tolerance) {
  for (int i = 0; i < 3; ++i)
    if (std::abs(found[i] - expected[i]) > tolerance) return false;
  return true;
}
#define EXPECT_COLOUR(found, expected, tolerance) \
  EXPECT_TRUE(near(found, expected, tolerance)) << (found) << " is not " << (expected)

Outcome refused_at_open(const std::string& id, const Json& config,
                        const std::vector<std::int64_t>& shape, std::uint32_t classes) {
  SinkUnderTest sink(id, config);
  const Outcome outcome = sink.open(shape, classes);
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
  return outcome;
}

// How a worker ends that is killed: nothing is closed or destroyed.
template <class Work>
void in_worker_that_is_killed(Work work) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    work();
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
}

class PictureSink : public testing::TestWithParam<const char*> {
 protected:
  Folder folder;
};

// ---------------------------------------------------------------------------- annotated-video

class AnnotatedVideo : public testing::Test {
 protected:
  SinkUnderTest opened(Json config = Json::object(), std::vector<std::int64_t> shape = kColour,
                       std::uint32_t classes = 3) {
    config["path"] = path;
    SinkUnderTest sink("annotated-video", config);
    const Outcome outcome = sink.open(shape, classes);
    EXPECT_TRUE(outcome.ok()) << outcome;
    return sink;
  }
  static std::vector<cv::Mat> frames_of(const std::string& file, int backend = cv::CAP_ANY) {
    cv::VideoCapture video(file, backend);
    EXPECT_TRUE(video.isOpened()) << file;
    std::vector<cv::Mat> frames;
    for (cv::Mat frame; video.read(frame);) frames.push_back(frame.clone());
    return frames;
  }
  // Of one outcome.
  cv::Mat frame_of(const Said& said, const Json& config, const std::vector<std::int64_t>& shape,
                   std::uint32_t classes) {
    SinkUnderTest sink = opened(config, shape, classes);
    const Outcome outcome = sink.write(said);
    EXPECT_TRUE(outcome.ok()) << outcome;
    EXPECT_TRUE(sink.close().ok());
    const auto frames = frames_of(path);
    std::filesystem::remove(path);
    return frames.empty() ? cv::Mat() : frames[0];
  }
  static bool can_play_without_index() {
    const auto backends = cv::videoio_registry::getStreamBackends();
    return std::find(backends.begin(), backends.end(), cv::CAP_FFMPEG) != backends.end();
  }

  Folder folder;
  const std::string path = folder.path("out.avi");
};

TEST_F(AnnotatedVideo, HasAFrameForEachOutcomeWithTheCaptionBelowThePicture) {
  SinkUnderTest sink = opened({{"fps", 25}});
  std::vector<Said> all(5, answer({0.1F, 0.7F, 0.2F}));
  all[1] = of_cloud({0.1F, 0.7F, 0.2F});
  all[2] = refusal("cloud.unavailable", "nobody answers");
  for (Said& said : all) {
    said.levels = planes(200, 100, 50);
    EXPECT_TRUE(sink.write(said).ok());
  }
  EXPECT_TRUE(sink.close().ok());
  cv::VideoCapture video(path, cv::CAP_OPENCV_MJPEG);
  EXPECT_EQ(video.get(cv::CAP_PROP_FRAME_COUNT), 5);
  EXPECT_NEAR(video.get(cv::CAP_PROP_FPS), 25, 0.01);
  const auto frames = frames_of(path);
  ASSERT_EQ(frames.size(), 5U);
  constexpr int kHeight = 48 * 5;  // enlarged from 64 to 320 pixels
  for (const cv::Mat& frame : frames) {
    ASSERT_EQ(frame.cols, 320);
    ASSERT_GT(frame.rows, kHeight + 20);
    ASSERT_LT(frame.rows, kHeight + 80);
    EXPECT_COLOUR(frame.at<cv::Vec3b>(kHeight / 2, 160), cv::Vec3b(50, 100, 200), 8);
    // The strip is dark, and what stands on it light.
    const cv::Mat strip = frame.rowRange(kHeight + 2, frame.rows).colRange(10, 320);
    double darkest = 0, lightest = 0;
    cv::Mat grey;
    cv::cvtColor(strip, grey, cv::COLOR_BGR2GRAY);
    cv::minMaxLoc(grey, &darkest, &lightest);
    EXPECT_LT(cv::mean(grey)[0], 70);
    EXPECT_GT(lightest, 180);
  }
  const auto bar = [&](int i) { return frames[i].at<cv::Vec3b>(frames[i].rows - 20, 2); };
  EXPECT_COLOUR(bar(0), kOrange, 30);
  EXPECT_COLOUR(bar(1), kBlue, 30);
  EXPECT_COLOUR(bar(2), kVermilion, 30);
}

TEST_F(AnnotatedVideo, TellsHardFallbackAndLateInTheCaption) {
  Said said = answer({1, 0, 0});
  std::vector<cv::Mat> strips;
  for (int i = 0; i < 4; ++i) {
    said.hard = i >= 1;
    said.fallback = i >= 2;
    said.late = i >= 3;
    const cv::Mat frame = frame_of(said, {}, kColour, 3);
    strips.push_back(frame.rowRange(240, frame.rows).clone());
  }
  const auto light = [](const cv::Mat& strip) {
    cv::Mat grey;
    cv::cvtColor(strip, grey, cv::COLOR_BGR2GRAY);
    return cv::countNonZero(grey > 120);
  };
  for (int i = 1; i < 4; ++i) EXPECT_GT(light(strips[i]), light(strips[i - 1]) + 30) << i;
}

TEST_F(AnnotatedVideo, ShowsFloatsByTheServicesScale) {
  Said said = answer({1, 0, 0});
  said.values.assign(28 * 28, 0.5F);
  const cv::Mat frame = frame_of(said, {}, kGrey, 3);
  EXPECT_EQ(frame.cols, 28 * 12);
  EXPECT_COLOUR(frame.at<cv::Vec3b>(100, 100), cv::Vec3b(128, 128, 128), 4);
}

TEST_F(AnnotatedVideo, DrawsBoxesWhereTheyAre) {
  Said said = of_cloud({0.25F, 0.25F, 0.5F, 0.5F, 0.9F,  // in the middle
                        0.0F, 0.0F, 0.1F, 0.1F, 0.0F});  // none
  said.levels = planes(40, 40, 40);
  const cv::Mat frame = frame_of(said, {{"draw", "boxes"}}, kColour, 0);
  for (const cv::Point on : {cv::Point(80, 120), cv::Point(240, 120), cv::Point(160, 180)})
    EXPECT_COLOUR(frame.at<cv::Vec3b>(on), kBlue, 60);
  for (const cv::Point off :
       {cv::Point(160, 120), cv::Point(100, 160), cv::Point(16, 12), cv::Point(32, 24)})
    EXPECT_COLOUR(frame.at<cv::Vec3b>(off), cv::Vec3b(40, 40, 40), 12);
}

TEST_F(AnnotatedVideo, SurvivesBoxesThatAreNone) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  Said said = answer({kNan, 0, 1,     1, 1, 0, 0, kNan, 1, 1, 0,    0,    1,     1,     kNan,
                      -50,  9, 3e38F, 1, 1, 5, 5, 1,    1, 1, 0.5F, 0.5F, -0.2F, -0.2F, 1});
  SinkUnderTest sink = opened({{"draw", "boxes"}}, kColour, 0);
  const Outcome outcome = sink.write(said);
  EXPECT_TRUE(outcome.ok()) << outcome;
  const Outcome odd = sink.write(answer({1, 2, 3}));
  EXPECT_EQ(odd.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(odd.message,
            "`boxes` needs outputs in rows of 5 (x, y, width, height, score); the service gave 3 "
            "outputs");
}

// Of some 15 KB a frame: the library keeps 32 KiB to itself.
Said noisy() {
  Said said = answer({1, 0, 0});
  for (int i = 0; i < 3 * 48 * 64; ++i)
    said.levels.push_back(static_cast<std::uint8_t>(i * 37 % 251));
  return said;
}

TEST_F(AnnotatedVideo, PlaysWhileItIsWritten) {
  if (!can_play_without_index()) GTEST_SKIP() << "OpenCV has no ffmpeg here";
  SinkUnderTest sink = opened();
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(sink.write(noisy()).ok());
  const std::string copy = folder.path("copy.avi");
  std::filesystem::copy_file(path, copy);
  const auto frames = frames_of(copy, cv::CAP_FFMPEG);
  EXPECT_GE(frames.size(), 36U);
  EXPECT_LE(frames.size(), 40U);
}

TEST_F(AnnotatedVideo, LeavesWhatAKilledWorkerHasWrittenAndBeginsAnotherFile) {
  if (!can_play_without_index()) GTEST_SKIP() << "OpenCV has no ffmpeg here";
  in_worker_that_is_killed([&] {
    auto* sink = new SinkUnderTest(opened({{"segmentFrames", 10}}));
    for (int i = 0; i < 19; ++i) sink->write(noisy());
  });
  SinkUnderTest sink = opened({{"segmentFrames", 10}});
  EXPECT_TRUE(sink.write(noisy()).ok());
  EXPECT_TRUE(sink.close().ok());
  EXPECT_THAT(names_in(folder.path("")), ElementsAre("out-0002.avi", "out-0003.avi", "out.avi"));
  EXPECT_EQ(frames_of(path, cv::CAP_OPENCV_MJPEG).size(), 10U);
  EXPECT_GE(frames_of(folder.path("out-0002.avi"), cv::CAP_FFMPEG).size(), 5U);
  EXPECT_EQ(frames_of(folder.path("out-0003.avi"), cv::CAP_OPENCV_MJPEG).size(), 1U);
}

TEST_F(AnnotatedVideo, EndsAFileAfterSegmentFramesAndWritesNoMoreThanMaxFrames) {
  SinkUnderTest sink = opened({{"segmentFrames", 4}, {"maxFrames", 10}});
  for (int i = 0; i < 15; ++i) EXPECT_TRUE(sink.write(answer({1, 0, 0})).ok());
  EXPECT_TRUE(sink.close().ok());
  EXPECT_EQ(frames_of(path).size(), 4U);
  EXPECT_EQ(frames_of(folder.path("out-0002.avi")).size(), 4U);
  EXPECT_EQ(frames_of(folder.path("out-0003.avi")).size(), 2U);
  EXPECT_EQ(names_in(folder.path("")).size(), 3U);
}

TEST_F(AnnotatedVideo, GoesOnInAnotherFileWhenSomebodyRemovesItsOwn) {
  SinkUnderTest sink = opened();
  sink.write(answer({1, 0, 0}));
  std::filesystem::remove(path);
  EXPECT_TRUE(sink.write(answer({1, 0, 0})).ok());
  EXPECT_TRUE(sink.close().ok());
  EXPECT_EQ(frames_of(folder.path("out-0002.avi")).size(), 1U);
}

TEST_F(AnnotatedVideo, StopsBeforeTheDiskIsFull) {
  const std::string disk = folder.path("disk");
  const SmallDisk small(disk, 17u << 20);
  if (!small.mounted()) GTEST_SKIP() << "only root can mount a small disk";
  SinkUnderTest sink("annotated-video", {{"path", disk + "/out.avi"}});
  EXPECT_TRUE(sink.open(kColour, 3).ok());
  std::size_t frames = 0;
  Outcome outcome = sink.write(noisy());
  for (; outcome.ok() && frames < 1000; outcome = sink.write(noisy())) ++frames;
  EXPECT_EQ(outcome.status, SKERRY_FAILED);
  EXPECT_EQ(outcome.message,
            disk +
                "/out.avi: the disk has less than 16 MiB left; frame 0 was not written. Free "
                "some space");
  EXPECT_TRUE(sink.close().ok());
  EXPECT_GT(frames, 10U);
  EXPECT_EQ(frames_of(disk + "/out.avi", cv::CAP_OPENCV_MJPEG).size(), frames);
}

TEST_F(AnnotatedVideo, RefusesWhatItCannotDraw) {
  const Outcome vector = refused_at_open("annotated-video", {{"path", path}}, {4}, 3);
  EXPECT_EQ(vector.field, "input.shape");
  EXPECT_THAT(vector.message, HasSubstr("found [4]"));
  const Outcome boxes =
      refused_at_open("annotated-video", {{"path", path}, {"draw", "boxes"}}, kColour, 3);
  EXPECT_EQ(boxes.field, "draw");
  EXPECT_THAT(boxes.message, HasSubstr("those of this service are probabilities of classes"));
  const Outcome names =
      refused_at_open("annotated-video", {{"path", path}, {"classes", {"a", "b"}}}, kColour, 3);
  EXPECT_EQ(names.field, "classes");
  EXPECT_EQ(names.message, "lists 2 names; the service has 3 classes (its `input.classes`)");
  SinkUnderTest scale("annotated-video", {{"path", path}});
  EXPECT_EQ(scale.open(kColour, 3, 0).field, "input.scale");
  EXPECT_TRUE(names_in(folder.path("")).empty());
}

TEST_F(AnnotatedVideo, RefusesConfigurationsThatMakeNoSense) {
  PluginUnderTest plugin("annotated-video");
  const auto refusal_of = [&](const Json& config) {
    const Outcome outcome = plugin.create_outcome("annotated-video", "sink/1", config);
    return outcome.field + ": " + outcome.message;
  };
  EXPECT_EQ(refusal_of({{"path", "/tmp/a.mp4"}}), "path: must end with .avi, found \"/tmp/a.mp4\"");
  for (const double fps : {0.5, 1001.0})
    EXPECT_EQ(refusal_of({{"path", path}, {"fps", fps}}), "fps: must be 1 to 1000");
  EXPECT_EQ(refusal_of({{"path", path}, {"maxFrames", 0}}), "maxFrames: must be at least 1");
}

// ---------------------------------------------------------------------------- labelled-images

class LabelledImages : public testing::Test {
 protected:
  SinkUnderTest opened(Json config = Json::object(), std::vector<std::int64_t> shape = kGrey,
                       std::uint32_t classes = 3) {
    config["path"] = path;
    SinkUnderTest sink("labelled-images", config);
    const Outcome outcome = sink.open(shape, classes);
    EXPECT_TRUE(outcome.ok()) << outcome;
    return sink;
  }
  // A grey picture of one level.
  static Said flat(std::uint8_t level, std::vector<float> outputs) {
    Said said = of_cloud(std::move(outputs));
    said.levels.assign(28 * 28, level);
    return said;
  }
  // Of a file that is written then, up to its second.
  static std::string time_name(std::chrono::hours from_now) {
    const std::time_t time =
        std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + from_now);
    char text[32];
    std::strftime(text, sizeof text, "%Y%m%dT%H%M%S", std::gmtime(&time));
    return text;
  }
  // Levels of the flat pictures of a class, in the order of their names.
  std::vector<int> levels_of(const std::string& name) const {
    std::vector<int> levels;
    for (const std::string& file : names_in(path + "/" + name))
      levels.push_back(
          cv::imread(path + "/" + name + "/" + file, cv::IMREAD_GRAYSCALE).at<uchar>(0));
    return levels;
  }

  Folder folder;
  const std::string path = folder.path("labelled");
};

TEST_F(LabelledImages, AreWhatImageFolderReads) {
  SinkUnderTest sink = opened({}, kColour, 3);
  Said first = of_cloud({0.1F, 0.1F, 0.8F}), second = of_cloud({0.9F, 0.1F, 0});
  first.levels = planes(10, 20, 30);
  second.values.assign(3 * 48 * 64, 0.2F);
  second.late = true;
  EXPECT_TRUE(sink.write(first).ok());
  EXPECT_TRUE(sink.write(second).ok());
  PluginUnderTest plugin("image-folder");
  DatasetUnderTest data(plugin, "image-folder", {{"uri", path}, {"size", {64, 48}}});
  EXPECT_EQ(data.info.classes, 3U) << "classes without pictures count too";
  EXPECT_EQ(data.classes(), (std::vector<std::int64_t>{0, 2}));
  const std::vector<float> pixels = data.read({1, 0});
  const std::size_t plane = 48 * 64;
  EXPECT_EQ(pixels[0], 10 / 255.0F);
  EXPECT_EQ(pixels[plane], 20 / 255.0F);
  EXPECT_EQ(pixels[2 * plane], 30 / 255.0F);
  EXPECT_EQ(pixels[3 * plane], 51 / 255.0F);
}

TEST_F(LabelledImages, AreInFoldersThatSortAsTheirClasses) {
  opened({}, kGrey, 12);
  EXPECT_THAT(names_in(path),
              ElementsAre("00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11"));
}

TEST_F(LabelledImages, AreInFoldersOfTheNamesThatAreGiven) {
  const std::vector<std::string> classes = {"zebra", "ant", "\xC3\xA9l\xC3\xA9phant"};
  SinkUnderTest sink = opened({{"classes", classes}});
  sink.write(flat(1, {1, 0, 0}));
  sink.write(flat(2, {0, 1, 0}));
  PluginUnderTest plugin("image-folder");
  DatasetUnderTest data(plugin, "image-folder",
                        {{"uri", path}, {"size", {28, 28}}, {"channels", 1}, {"classes", classes}});
  EXPECT_EQ(data.classes(), (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(data.read({1})[0], 2 / 255.0F);
}

TEST_F(LabelledImages, AreOfTheCloudAloneUnlessToldOtherwise) {
  const auto write_all = [&](const Json& config) {
    std::filesystem::remove_all(path);
    SinkUnderTest sink = opened(config);
    Said edge = flat(1, {0.6F, 0.4F, 0}), hard = edge, cloud = flat(3, {0.7F, 0.3F, 0}),
         late = flat(4, {0.9F, 0.1F, 0}), none = flat(5, {}), nan = flat(6, {}),
         failed = flat(7, {1, 0, 0});
    edge.by_cloud = edge.hard = hard.by_cloud = false;
    hard.levels.assign(28 * 28, 2);
    late.late = true;
    late.hard = false;
    nan.outputs.assign(3, std::numeric_limits<float>::quiet_NaN());
    failed.code = "cloud.unavailable";
    for (const Said& each : {edge, hard, cloud, late, none, nan, failed})
      EXPECT_TRUE(sink.write(each).ok());
    return levels_of("0");
  };
  EXPECT_THAT(write_all({}), ElementsAre(3, 4));
  EXPECT_THAT(write_all({{"only", "all"}}), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(write_all({{"only", "hard"}}), ElementsAre(2, 3));
  EXPECT_THAT(write_all({{"only", "late"}}), ElementsAre(4));
  EXPECT_THAT(write_all({{"only", "all"}, {"minConfidence", 0.7}}), ElementsAre(3, 4));
}

TEST_F(LabelledImages, KeepTheNewestOfAllClassesTogether) {
  folder.write("labelled/0/mine.png", "of a person");
  SinkUnderTest sink = opened({{"max", 3}});
  for (std::uint8_t i = 1; i <= 6; ++i)
    EXPECT_TRUE(sink.write(flat(i, {i % 2 == 0 ? 1.0F : 0.0F, 0.5F, 0})).ok());
  EXPECT_THAT(levels_of("1"), ElementsAre(5));
  EXPECT_EQ(content_of(path + "/0/mine.png"), "of a person");
  std::filesystem::remove(path + "/0/mine.png");
  EXPECT_THAT(levels_of("0"), ElementsAre(4, 6));
  SinkUnderTest smaller = opened({{"max", 1}});
  EXPECT_TRUE(levels_of("1").empty());
  EXPECT_THAT(levels_of("0"), ElementsAre(6));
}

TEST_F(LabelledImages, AreWrittenWithoutListingTheFolders) {
  SinkUnderTest sink = opened({{"max", 2}});
  for (std::uint8_t i = 1; i <= 2; ++i) EXPECT_TRUE(sink.write(flat(i, {1, 0, 0})).ok());
  const std::string other = "20200101T000000.000000Z.png";  // of another worker
  std::filesystem::copy(path + "/0/" + names_in(path + "/0").at(0), path + "/1/" + other);
  for (std::uint8_t i = 3; i <= 4; ++i) EXPECT_TRUE(sink.write(flat(i, {1, 0, 0})).ok());
  EXPECT_THAT(levels_of("0"), ElementsAre(3, 4));
  EXPECT_THAT(names_in(path + "/1"), ElementsAre(other));
  opened({{"max", 2}});
  EXPECT_TRUE(names_in(path + "/1").empty());
}

TEST_F(LabelledImages, GoOnWhereSomebodyHasRemovedSome) {
  for (std::uint8_t i = 1; i <= 2; ++i) opened().write(flat(i, {1, 0, 0}));
  SinkUnderTest sink = opened({{"max", 2}});
  std::filesystem::remove(path + "/0/" + names_in(path + "/0").at(0));
  for (std::uint8_t i = 3; i <= 5; ++i) EXPECT_TRUE(sink.write(flat(i, {1, 0, 0})).ok());
  EXPECT_THAT(levels_of("0"), ElementsAre(4, 5));
}

TEST_F(LabelledImages, AreOfALimitedNumber) {
  for (const int max : {0, 100'001}) {
    PluginUnderTest plugin("labelled-images");
    const Outcome outcome =
        plugin.create_outcome("labelled-images", "sink/1", {{"path", path}, {"max", max}});
    EXPECT_EQ(outcome.field, "max");
    EXPECT_EQ(outcome.message, "must be 1 to 100000, found " + std::to_string(max));
  }
}

// Whatever the clock says: here, that the newest picture is of an hour later.
TEST_F(LabelledImages, HaveNamesThatSortInTheOrderOfWritingAlsoAfterARestart) {
  opened().write(flat(1, {1, 0, 0}));
  const std::string first = names_in(path + "/0").at(0);
  EXPECT_THAT(first, testing::MatchesRegex("[0-9]{8}T[0-9]{6}\\.[0-9]{6}Z\\.png"));
  const std::string later = time_name(std::chrono::hours(1)) + ".999999Z.png";
  std::filesystem::rename(path + "/0/" + first, path + "/0/" + later);
  opened().write(flat(2, {1, 0, 0}));
  ASSERT_EQ(names_in(path + "/0").size(), 2U);
  EXPECT_THAT(names_in(path + "/0").at(1), HasSubstr(".000000Z.png"));
  EXPECT_THAT(levels_of("0"), ElementsAre(1, 2));
}

TEST_F(LabelledImages, DoNotFollowNamesThatLieFarInTheFuture) {
  opened().write(flat(1, {1, 0, 0}));
  const std::string planted = "99991231T235959.999999Z.png";
  std::filesystem::copy(path + "/0/" + names_in(path + "/0").at(0), path + "/0/" + planted);
  SinkUnderTest sink = opened({{"max", 1}});
  EXPECT_TRUE(sink.write(flat(2, {1, 0, 0})).ok());
  const auto names = names_in(path + "/0");
  ASSERT_EQ(names.size(), 2U) << "it is not ours, and stays";
  EXPECT_EQ(names.at(0).substr(0, 4), time_name(std::chrono::hours(0)).substr(0, 4));
  EXPECT_EQ(names.at(1), planted);
}

// Both come to the same name, the next after the newest, which is later than the clock says.
TEST_F(LabelledImages, OfTwoWorkersDoNotReplaceEachOther) {
  opened().write(flat(1, {1, 0, 0}));
  std::filesystem::rename(path + "/0/" + names_in(path + "/0").at(0),
                          path + "/0/" + time_name(std::chrono::hours(1)) + ".000000Z.png");
  SinkUnderTest one = opened(), other = opened();
  EXPECT_TRUE(one.write(flat(2, {1, 0, 0})).ok());
  EXPECT_TRUE(other.write(flat(3, {1, 0, 0})).ok());
  EXPECT_TRUE(one.write(flat(4, {1, 0, 0})).ok());
  EXPECT_THAT(levels_of("0"), ElementsAre(1, 2, 3, 4));
}

TEST_F(LabelledImages, AreSeenWholeOrNotAtAll) {
  SinkUnderTest sink = opened({}, {1, 200, 200});
  std::atomic<int> seen{0};
  std::thread reader([&] {
    std::set<std::string> known;
    while (seen < 60) {
      for (const std::string& name : names_in(path + "/0")) {
        if (name[0] == '.' || !known.insert(name).second) continue;
        EXPECT_FALSE(cv::imread(path + "/0/" + name).empty()) << name;
        ++seen;
      }
    }
  });
  Said said = of_cloud({1, 0, 0});
  for (int i = 0; i < 200 * 200; ++i) said.levels.push_back(static_cast<std::uint8_t>(i * i % 251));
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(sink.write(said).ok());
  reader.join();
}

TEST_F(LabelledImages, OpenWithoutWhatPowerCutsAndKilledWorkersLeft) {
  folder.write("labelled/0/20261124T012958.123456Z.png", "");
  const std::string old = folder.write("labelled/0/.skerry-1-1", "half a pic");
  const utimbuf long_ago{1000000000, 1000000000};
  ::utime(old.c_str(), &long_ago);
  folder.write("labelled/0/.skerry-1-2", "of a worker that is at it");
  opened();
  EXPECT_THAT(names_in(path + "/0"), ElementsAre(".skerry-1-2"));
}

TEST_F(LabelledImages, LeaveNothingHalfOnAFullDiskAndGoOnWhenThereIsRoom) {
  SinkUnderTest sink = opened();
  {
    const FullDisk full(40);
    const Outcome outcome = sink.write(flat(1, {1, 0, 0}));
    EXPECT_EQ(outcome.status, SKERRY_FAILED);
    EXPECT_EQ(outcome.message, path + "/0: cannot be written: File too large");
    EXPECT_TRUE(names_in(path + "/0").empty());
  }
  EXPECT_TRUE(sink.write(flat(2, {1, 0, 0})).ok());
  EXPECT_THAT(levels_of("0"), ElementsAre(2));
}

TEST_F(LabelledImages, NeedClasses) {
  const Outcome none = refused_at_open("labelled-images", {{"path", path}}, kGrey, 0);
  EXPECT_EQ(none.field, "input.classes");
  EXPECT_EQ(none.message,
            "is missing: a folder of pictures for each class needs classes, and without it the "
            "answers of a service are numbers");
  const Outcome names =
      refused_at_open("labelled-images", {{"path", path}, {"classes", {"a"}}}, kGrey, 2);
  EXPECT_EQ(names.field, "classes");
  EXPECT_FALSE(std::filesystem::exists(path)) << "nothing is made for what is refused";
  SinkUnderTest sink = opened();
  EXPECT_EQ(sink.write(flat(1, {0.5F, 0.5F})).message,
            "an answer of 2 outputs where the service has 3 classes");
}

TEST_F(LabelledImages, RefuseNamesThatAreNoFolders) {
  PluginUnderTest plugin("labelled-images");
  const auto refusal_of = [&](const Json& classes) {
    const Outcome outcome =
        plugin.create_outcome("labelled-images", "sink/1", {{"path", path}, {"classes", classes}});
    return outcome.field + ": " + outcome.message;
  };
  const std::string rule =
      " is no name for a folder: it must have 1 to 255 bytes, none of them /, and not begin with "
      "a dot";
  EXPECT_EQ(refusal_of({"a", "../b"}), "classes[1]: \"../b\"" + rule);
  EXPECT_EQ(refusal_of({""}), "classes[0]: \"\"" + rule);
  EXPECT_EQ(refusal_of({"a/b"}), "classes[0]: \"a/b\"" + rule);
  EXPECT_EQ(refusal_of({"a", "b", "a"}), "classes: \"a\" is there twice");
}

// ------------------------------------------------------------------------------- frame-page

class FramePage : public testing::Test {
 protected:
  SinkUnderTest opened(Json config = Json::object(), std::vector<std::int64_t> shape = kColour,
                       std::uint32_t classes = 3) {
    config["path"] = path;
    SinkUnderTest sink("frame-page", config);
    const Outcome outcome = sink.open(shape, classes);
    EXPECT_TRUE(outcome.ok()) << outcome;
    return sink;
  }
  static Said hard(std::uint64_t number) {
    Said said = of_cloud({0.1F, 0.7F, 0.2F});
    said.number = number;
    return said;
  }
  std::string page() const { return content_of(path + "/index.html"); }
  // What stands between two texts, each time.
  static std::vector<std::string> between(const std::string& text, const std::string& before,
                                          const std::string& after) {
    std::vector<std::string> found;
    for (auto at = text.find(before); at != text.npos; at = text.find(before, at)) {
      at += before.size();
      found.push_back(text.substr(at, text.find(after, at) - at));
    }
    return found;
  }
  std::vector<std::string> pictures() const { return between(page(), "<img src=\"", "\""); }
  std::vector<std::string> numbers() const { return between(page(), "alt=\"frame ", "\""); }

  Folder folder;
  const std::string path = folder.path("page");
};

// Empty, or what is wrong: each element is ended, in order, and no < or & stands for itself.
std::string ill_formed(const std::string& html) {
  std::vector<std::string> open;
  for (std::size_t at = html.find('>') + 1; at < html.size(); ++at) {  // from after the DOCTYPE on
    if (html[at] == '&' && html.find(';', at) > at + 6) return "& at " + html.substr(at, 20);
    if (html[at] != '<') continue;
    const auto end = html.find('>', at);
    const std::string tag = html.substr(at + 1, end - at - 1);
    if (end == html.npos || tag.find('<') != tag.npos) return "< at " + html.substr(at, 20);
    at = end;
    if (tag.back() == '/') continue;
    const std::string name = tag.substr(0, tag.find(' '));
    if (name[0] != '/') {
      open.push_back(name);
    } else {
      if (open.empty() || "/" + open.back() != name) return "unexpected <" + name + ">";
      open.pop_back();
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> is not ended";
}

TEST_F(FramePage, ShowsEachHardFrameWithWhatWasSaidOfIt) {
  SinkUnderTest sink = opened({{"classes", {"cat", "dog", "bird"}}});
  Said said = hard(7);
  said.levels = planes(200, 100, 50);
  said.seconds = 1.4;
  said.score = 0.61;
  said.version = 12;
  said.total_us = 18400;
  said.name = "a.png";
  said.label = 2;
  EXPECT_TRUE(sink.write(said).ok());
  EXPECT_TRUE(sink.write(answer({1, 0, 0})).ok()) << "easy, so not there";
  EXPECT_TRUE(sink.close().ok());
  EXPECT_EQ(ill_formed(page()), "");
  ASSERT_EQ(pictures().size(), 1U);
  for (const char* text : {"<b>dog 0.70</b><span class=\"who\">cloud</span><span>hard</span>",
                           "<p>frame 7 · 1.40 s · score 0.61 · 18.4 ms · model version 12</p>",
                           "<p>a.png · label bird · digits, sources[0] · 20"})
    EXPECT_THAT(page(), HasSubstr(text));
  const cv::Mat picture = cv::imread(path + "/" + pictures()[0]);
  ASSERT_EQ(picture.size(), cv::Size(320, 240));
  EXPECT_COLOUR(picture.at<cv::Vec3b>(120, 160), cv::Vec3b(50, 100, 200), 8);
  EXPECT_THAT(page(), HasSubstr("width=\"320\" height=\"240\""));
}

TEST_F(FramePage, IsWellFormedAndHarmlessWhateverNamesHave) {
  SinkUnderTest sink = opened({{"classes", {"<b>", "\"q\" & 'x'", "c"}}});
  Said said = hard(1);
  said.name = "<script>alert(1)</script>&amp;\x01\xFF.png";
  said.source = "</figure>";
  sink.write(said);
  Said failed = refusal("cloud.unavailable", "<img src=x onerror=alert(1)>");
  failed.hard = true;
  sink.write(failed);
  EXPECT_TRUE(sink.close().ok());
  const std::string html = page();
  EXPECT_EQ(ill_formed(html), "");
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<img src=x")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp; \xEF\xBF\xBD.png"));
  EXPECT_THAT(html, HasSubstr("<b>&quot;q&quot; &amp; &#39;x&#39; 0.70</b>"));
  EXPECT_THAT(html, HasSubstr("<b>cloud.unavailable</b><span class=\"who\">error</span>"));
}

TEST_F(FramePage, KeepsTheNewestFramesNewestFirst) {
  SinkUnderTest sink = opened({{"max", 3}});
  for (std::uint64_t i = 1; i <= 5; ++i) EXPECT_TRUE(sink.write(hard(i)).ok());
  EXPECT_TRUE(sink.close().ok());
  EXPECT_THAT(numbers(), ElementsAre("5", "4", "3"));
  EXPECT_EQ(names_in(path + "/frames").size(), 6U) << "a picture and a caption each";
  for (const std::string& each : pictures())
    EXPECT_TRUE(std::filesystem::exists(path + "/" + each)) << each;
}

TEST_F(FramePage, IsThereFromTheBeginningAndKeepsItsFramesOverRestarts) {
  in_worker_that_is_killed([&] {
    SinkUnderTest* sink = new SinkUnderTest(opened());
    for (std::uint64_t i = 1; i <= 3; ++i) sink->write(hard(i));
  });
  EXPECT_FALSE(numbers().empty());
  SinkUnderTest sink = opened();
  EXPECT_THAT(numbers(), ElementsAre("3", "2", "1"));
  sink.write(hard(4));
  sink.close();
  EXPECT_THAT(numbers(), ElementsAre("4", "3", "2", "1"));
}

TEST_F(FramePage, IsWrittenAnewAboutOnceASecond) {
  using Clock = std::chrono::steady_clock;
  SinkUnderTest sink = opened({{"max", 20}}, kGrey);
  const auto page_file = [&] {
    struct stat info {};
    EXPECT_EQ(::stat((path + "/index.html").c_str(), &info), 0);
    return info.st_ino;
  };
  const auto begin = Clock::now();
  auto now = begin;
  int writings = 0;
  for (ino_t last = page_file(); writings < 2 && now < begin + std::chrono::seconds(20);
       now = Clock::now()) {
    EXPECT_TRUE(sink.write(hard(1)).ok());
    const ino_t file = page_file();
    writings += file != last;
    last = file;
  }
  EXPECT_EQ(writings, 2) << "with the first frame, and a second later";
  EXPECT_GE(now - begin, std::chrono::milliseconds(990));
}

TEST_F(FramePage, ShowsTheFramesOfTwoWorkers) {
  SinkUnderTest one = opened(), other = opened();
  one.write(hard(1));
  other.write(hard(2));
  one.write(hard(3));
  other.close();
  one.close();
  EXPECT_THAT(numbers(), ElementsAre("3", "2", "1"));
}

TEST_F(FramePage, ForgetsPicturesThatAKilledWorkerLeftWithoutACaption) {
  const std::string half = folder.write("page/frames/20261124T012958.123456Z.jpg", "picture");
  const utimbuf long_ago{1000000000, 1000000000};
  ::utime(half.c_str(), &long_ago);
  folder.write("page/frames/notes.txt", "of a person");
  opened();
  EXPECT_THAT(names_in(path + "/frames"), ElementsAre("notes.txt"));
  EXPECT_TRUE(numbers().empty());
  EXPECT_EQ(ill_formed(page()), "");
}

TEST_F(FramePage, DrawsBoxesOnThePictures) {
  SinkUnderTest sink = opened({{"draw", "boxes"}}, kColour, 0);
  Said said = answer({0.25F, 0.25F, 0.5F, 0.5F, 0.9F, 0, 0, 1, 1, 0});
  said.hard = true;
  said.levels = planes(40, 40, 40);
  sink.write(said);
  const cv::Mat picture = cv::imread(path + "/" + pictures().at(0));
  EXPECT_COLOUR(picture.at<cv::Vec3b>(120, 80), kOrange, 60);
  EXPECT_COLOUR(picture.at<cv::Vec3b>(120, 160), cv::Vec3b(40, 40, 40), 12);
  EXPECT_THAT(page(), HasSubstr("<b>1 box, 0.90</b>"));
}

TEST_F(FramePage, LeavesNothingHalfOnAFullDiskAndGoesOnWhenThereIsRoom) {
  SinkUnderTest sink = opened();
  const std::string before = page();
  {
    const FullDisk full(100);
    const Outcome outcome = sink.write(hard(1));
    EXPECT_EQ(outcome.status, SKERRY_FAILED);
    EXPECT_EQ(outcome.message, path + ": cannot be written: File too large");
    EXPECT_EQ(page(), before);
    EXPECT_TRUE(names_in(path + "/frames").empty());
  }
  EXPECT_TRUE(sink.write(hard(1)).ok());
  EXPECT_TRUE(sink.close().ok());
  EXPECT_THAT(numbers(), ElementsAre("1"));
}

TEST_F(FramePage, LeavesNoPictureWhereThereIsNoRoomForItsCaption) {
  SinkUnderTest sink = opened();
  Said said = hard(1);
  said.message = std::string(20'000, 'a');
  {
    const FullDisk full(10'000);
    EXPECT_EQ(sink.write(said).status, SKERRY_FAILED);
    EXPECT_TRUE(names_in(path + "/frames").empty());
  }
  EXPECT_TRUE(sink.write(said).ok());
  EXPECT_EQ(names_in(path + "/frames").size(), 2U);
}

// A host writes an outcome again that a sink did not take.
TEST_F(FramePage, HasAFrameOnceWhereOnlyThePageCannotBeWritten) {
  const std::vector<std::int64_t> small = {1, 2, 2};
  SinkUnderTest before = opened({}, small);
  for (std::uint64_t i = 1; i <= 20; ++i) before.write(hard(i));
  before.close();
  SinkUnderTest sink = opened({}, small);
  {
    const FullDisk full(std::filesystem::file_size(path + "/index.html") - 100);
    EXPECT_TRUE(sink.write(hard(21)).ok());
    EXPECT_EQ(sink.write(hard(22)).status, SKERRY_FAILED);
  }
  EXPECT_TRUE(sink.write(hard(22)).ok());
  EXPECT_TRUE(sink.close().ok());
  const auto shown = numbers();
  ASSERT_EQ(shown.size(), 22U);
  EXPECT_THAT(std::vector<std::string>(shown.begin(), shown.begin() + 3),
              ElementsAre("22", "21", "20"));
}

// ------------------------------------------------------------------------------- all of them

std::string path_for(const std::string& id, const std::string& folder) {
  return id == "annotated-video" ? folder + "/out.avi" : folder;
}

TEST_P(PictureSink, RefusesExamplesThatAreNoPictures) {
  const std::string path = path_for(GetParam(), folder.path(""));
  for (const std::vector<std::int64_t>& shape :
       std::vector<std::vector<std::int64_t>>{{5}, {2, 3, 4}, {1, 1, 28, 28}}) {
    const Outcome outcome = refused_at_open(GetParam(), {{"path", path}}, shape, 3);
    EXPECT_EQ(outcome.field, "input.shape");
    EXPECT_THAT(outcome.message,
                HasSubstr("pictures have the shape [height, width] or [channels, height, width]"));
  }
}

TEST_P(PictureSink, SaysHowToAllowAFolderThatItMayNotWriteTo) {
  const std::string closed = folder.path("closed");
  std::filesystem::create_directory(closed);
  ::chmod(folder.path("").c_str(), 0755);
  ::chmod(closed.c_str(), 0555);
  SinkUnderTest sink(GetParam(), {{"path", path_for(GetParam(), closed)}});
  const NotRoot here;
  const Outcome outcome = sink.open(kGrey, 3);
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(outcome.field, "path");
  EXPECT_EQ(outcome.message,
            path_for(GetParam(), closed) +
                ": cannot be written: Permission denied. Workers write only where the edge was " +
                "told to let them: start it with `skerry-edge --allow-write " + closed +
                "`, as a user who may write there");
}

TEST_P(PictureSink, SaysWhichFolderIsMissing) {
  const std::string missing = folder.path("no-such");
  const std::string path = path_for(GetParam(), missing + "/below");
  const Outcome outcome = refused_at_open(GetParam(), {{"path", path}}, kGrey, 3);
  EXPECT_EQ(outcome.field, "path");
  EXPECT_THAT(outcome.message, HasSubstr(": no such folder. Make it, and start the edge with "
                                         "`skerry-edge --allow-write " +
                                         missing));
}

TEST_P(PictureSink, RefusesAnExampleOfAnotherSizeAndTakesTheNext) {
  SinkUnderTest sink(GetParam(), {{"path", path_for(GetParam(), folder.path(""))}});
  EXPECT_TRUE(sink.open(kGrey, 3).ok());
  Said said = of_cloud({1, 0, 0});
  const Outcome outcome = sink.write(said, {1, 28, 27});
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(outcome.message,
            "an example of shape [1, 28, 27] where the service takes pictures of 1 x 28 x 28");
  EXPECT_TRUE(sink.write(said).ok());
}

INSTANTIATE_TEST_SUITE_P(All, PictureSink,
                         testing::Values("annotated-video", "labelled-images", "frame-page"),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
