// The filters that look at pictures alone: blur, brightness, frame-difference and phash-dedup.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <opencv2/imgproc.hpp>

#include "sampling_support.hpp"

using sampling_test::Examples;
using sampling_test::features;
using sampling_test::Filter;
using sampling_test::Json;
using sampling_test::Judged;
using sampling_test::Rows;
using skerry_test::Outcome;
using skerry_test::PluginUnderTest;

namespace {

using Row = std::vector<float>;

Row row_of(const cv::Mat& picture) {
  return {picture.begin<float>(), picture.end<float>()};
}

// Grey pictures of one size.
Examples pictures(const std::vector<cv::Mat>& list) {
  Rows rows;
  for (const cv::Mat& each : list) rows.push_back(row_of(each));
  return features(std::move(rows), {1, list.at(0).rows, list.at(0).cols});
}

Filter filter(const std::string& id, const Json& config = Json::object()) {
  return {id, id, config};
}
Judged judged(Filter& by, const cv::Mat& picture) {
  return by.judge(pictures({picture})).at(0);
}
Judged judged(const std::string& id, const cv::Mat& picture, const Json& config = Json::object()) {
  Filter fresh = filter(id, config);
  return judged(fresh, picture);
}

cv::Mat painted(int width, int height, const std::function<double(int, int)>& value) {
  cv::Mat picture(height, width, CV_32F);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) picture.at<float>(y, x) = static_cast<float>(value(x, y));
  return picture;
}
// Of one grey level, 0..255.
cv::Mat flat(int level, int side = 32) {
  return painted(side, side, [&](int, int) { return level / 255.0; });
}
cv::Mat checkerboard(int side, int cell) {
  return painted(side, side, [&](int x, int y) { return (x / cell + y / cell) % 2; });
}
cv::Mat blurred(const cv::Mat& picture, double sigma) {
  cv::Mat result;
  cv::GaussianBlur(picture, result, {0, 0}, sigma);
  return result;
}
// A white square of 8x8 on black.
cv::Mat square(int left, int top) {
  return painted(32, 32, [&](int x, int y) {
    return x >= left && x < left + 8 && y >= top && y < top + 8 ? 1 : 0;
  });
}
// Soft light and dark patches in 0.2..0.8, others for each number.
cv::Mat scene(int number) {
  cv::Mat picture(64, 64, CV_32F);
  cv::RNG(static_cast<std::uint64_t>(number)).fill(picture, cv::RNG::UNIFORM, 0, 1);
  picture = blurred(picture, 6);
  cv::normalize(picture, picture, 0.2, 0.8, cv::NORM_MINMAX);
  return picture;
}
cv::Mat noisy(const cv::Mat& picture, double deviation) {
  cv::Mat noise(picture.size(), CV_32F);
  cv::RNG(77).fill(noise, cv::RNG::NORMAL, 0, deviation);
  return picture + noise;
}

// With the values that bytes have, which no rounding can move to the next grey level.
cv::Mat eight_bits(const cv::Mat& picture) {
  cv::Mat bytes, result;
  picture.convertTo(bytes, CV_8U, 255);
  bytes.convertTo(result, CV_32F, 1 / 255.0);
  return result;
}
// The picture as three planes of 0..255, each the same.
Examples in_colours(const cv::Mat& picture) {
  Row planes;
  for (int channel = 0; channel < 3; ++channel)
    for (const float value : row_of(picture)) planes.push_back(255 * value);
  return features({planes}, {3, picture.rows, picture.cols});
}
// One pixel.
Examples pixel(float red, float green, float blue) {
  return features({{red, green, blue}}, {3, 1, 1});
}

}  // namespace

class PictureFilter : public testing::TestWithParam<const char*> {
 protected:
  std::string id() const { return GetParam(); }
  Outcome refused(const Examples& examples) {
    std::vector<Judged> none;
    const Outcome outcome = filter(id()).try_judge(examples, none);
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
    return outcome;
  }
};

TEST_P(PictureFilter, LooksAtTheFeaturesAlone) {
  EXPECT_EQ(filter(id()).needs(), static_cast<std::uint32_t>(SKERRY_NEEDS_FEATURES));
}

TEST_P(PictureFilter, JudgesAlikeOneByOneAndAtOnce) {
  const std::vector<cv::Mat> list = {scene(1),
                                     noisy(scene(1), 0.05),
                                     scene(2),
                                     flat(0, 64),
                                     flat(255, 64),
                                     blurred(scene(2), 4),
                                     checkerboard(64, 8),
                                     scene(1),
                                     scene(3)};
  const std::vector<Judged> at_once = filter(id()).judge(pictures(list));
  Filter remembers = filter(id());
  for (std::size_t i = 0; i < list.size(); ++i)
    EXPECT_EQ(judged(remembers, list[i]), at_once.at(i)) << "picture " << i;
}

TEST_P(PictureFilter, TakesPicturesOfOneChannelOfThreeAndOfNone) {
  const std::vector<cv::Mat> list = {checkerboard(48, 6),
                                     eight_bits(blurred(checkerboard(48, 6), 3))};
  Filter one = filter(id()), none = filter(id()), three = filter(id(), {{"range", 255}});
  for (const cv::Mat& each : list) {
    const Judged expected = judged(one, each);
    EXPECT_EQ(none.judge(features({row_of(each)}, {48, 48})).at(0), expected);
    EXPECT_EQ(three.judge(in_colours(each)).at(0), expected);
  }
}

TEST_P(PictureFilter, RefusesFeaturesThatAreNoPicture) {
  EXPECT_EQ(
      refused(features({Row(16)}, {16})).message,
      "this filter looks at pictures, features of shape [height, width] or [channels, height, "
      "width] with 1 or 3 channels and sides of 1 to 32767 pixels; found [16]");
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{2, 4, 4},
                                                 {4, 4, 3},
                                                 {1, 1, 4, 4},
                                                 {3, 0, 4},
                                                 {4, 0},
                                                 {},
                                                 {1, 1, 32768}}) {
    std::int64_t size = 1;
    for (const std::int64_t extent : shape) size *= extent;
    const Outcome outcome = refused(features({Row(static_cast<std::size_t>(size))}, shape));
    std::string found;
    for (const std::int64_t extent : shape)
      found += (found.empty() ? "" : ", ") + std::to_string(extent);
    EXPECT_THAT(outcome.message, testing::EndsWith("; found [" + found + "]"));
  }
}

TEST_P(PictureFilter, RefusesAWhiteThatIsNotAboveBlack) {
  PluginUnderTest plugin(id());
  const Outcome outcome = plugin.create_outcome(id(), "sampling/1", {{"range", 0}});
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
  EXPECT_EQ(outcome.field, "range");
}

TEST_P(PictureFilter, SurvivesValuesThatAreNoNumberOrOutsideOfBlackToWhite) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const Row odd = {kNan, kInfinity, -kInfinity, 3e38F, -3e38F, 1e-45F, -1, 2, 0.5F};
  const Row tame = {0, 1, 0, 1, 0, 0, 0, 1, 0.5F};
  Filter one = filter(id()), other = filter(id());
  EXPECT_EQ(one.judge(features({odd, odd}, {3, 3})), other.judge(features({tame, tame}, {3, 3})));
  EXPECT_EQ(one.judge(features({odd}, {3, 1, 3})).size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(All, PictureFilter,
                         testing::Values("blur", "brightness", "frame-difference", "phash-dedup"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Blur, CallsAPictureWithoutSharpEdgesHard) {
  const cv::Mat sharp = checkerboard(64, 8);
  EXPECT_FALSE(judged("blur", sharp).hard);
  EXPECT_LT(judged("blur", sharp).score, 0.01);
  EXPECT_TRUE(judged("blur", blurred(sharp, 4)).hard);
  EXPECT_GT(judged("blur", blurred(sharp, 4)).score, 0.8);
  EXPECT_EQ(judged("blur", flat(128)), (Judged{1, true}));
}

TEST(Blur, ScoresHigherTheMoreAPictureIsBlurred) {
  double last = judged("blur", checkerboard(64, 8)).score;
  for (const double sigma : {1, 2, 4, 8}) {
    const double score = judged("blur", blurred(checkerboard(64, 8), sigma)).score;
    EXPECT_GT(score, last) << sigma;
    last = score;
  }
  EXPECT_LT(last, 1);
}

TEST(Blur, IsHardWhereTheVarianceIsBelowTheThreshold) {
  // One white pixel of 25: the Laplacian is -4 x 255 there, 255 at its four neighbours, else 0.
  const cv::Mat dot = painted(5, 5, [](int x, int y) { return x == 2 && y == 2 ? 1 : 0; });
  const double variance = 255.0 * 255 * (4 * 4 + 4) / 25;
  EXPECT_NEAR(judged("blur", dot).score, 100 / (100 + variance), 1e-9);
  EXPECT_FALSE(judged("blur", dot, {{"threshold", variance - 1}}).hard);
  EXPECT_TRUE(judged("blur", dot, {{"threshold", variance + 1}}).hard);
  EXPECT_NEAR(judged("blur", dot, {{"threshold", variance}}).score, 0.5, 1e-9);
}

TEST(Blur, ShrinksWidePicturesFirst) {
  const cv::Mat fine = painted(1280, 8, [](int x, int y) { return (x + y) % 2; });
  EXPECT_EQ(judged("blur", fine), (Judged{1, true})) << "each four pixels become one of their mean";
  EXPECT_FALSE(judged("blur", fine, {{"width", 1280}}).hard);
}

TEST(Brightness, CallsDarkAndBrightPicturesHard) {
  EXPECT_EQ(judged("brightness", flat(0)), (Judged{1, true}));
  EXPECT_EQ(judged("brightness", flat(255)), (Judged{1, true}));
  EXPECT_EQ(judged("brightness", flat(128)), (Judged{0, false}));
}

TEST(Brightness, ScoresTheDistanceBeyondTheLimit) {
  for (const int level : {39, 30, 20, 10}) {
    const Judged found = judged("brightness", flat(level));
    EXPECT_NEAR(found.score, (40 - level) / 40.0, 1e-12) << level;
    EXPECT_TRUE(found.hard) << level;
  }
  for (const int level : {221, 230, 250}) {
    const Judged found = judged("brightness", flat(level));
    EXPECT_NEAR(found.score, (level - 220) / 35.0, 1e-12) << level;
    EXPECT_TRUE(found.hard) << level;
  }
  for (const int level : {40, 220})
    EXPECT_EQ(judged("brightness", flat(level)), (Judged{0, false})) << "at the limit " << level;
  EXPECT_EQ(judged("brightness", flat(60), {{"dark", 80}}), (Judged{0.25, true}));
  EXPECT_EQ(judged("brightness", flat(180), {{"bright", 155}}), (Judged{0.25, true}));
}

TEST(Brightness, CallsClippedPicturesHardWhoseMeanIsFine) {
  // Of 100 pixels 30 black, 30 white, the rest grey; almost black and white count too.
  const auto with_ends = [](int black, int white) {
    return painted(10, 10, [=](int, int y) {
      return (y < 3 ? black : y < 6 ? white : 128) / 255.0;
    });
  };
  for (const cv::Mat& picture : {with_ends(0, 255), with_ends(2, 253)}) {
    const Judged found = judged("brightness", picture);
    EXPECT_NEAR(found.score, (0.6 - 0.5) / 0.5, 1e-12);
    EXPECT_TRUE(found.hard);
  }
  EXPECT_EQ(judged("brightness", with_ends(3, 252)), (Judged{0, false}));
  EXPECT_FALSE(judged("brightness", with_ends(0, 255), {{"clipped", 0.6}}).hard) << "at the limit";
}

TEST(Brightness, WeighsRedGreenAndBlueAsTheEyeDoes) {
  const Json config = {{"dark", 200}, {"bright", 255}, {"clipped", 1}};
  EXPECT_NEAR(filter("brightness", config).judge(pixel(1, 0, 0)).at(0).score, 1 - 76 / 200.0,
              1e-12);
  EXPECT_NEAR(filter("brightness", config).judge(pixel(0, 1, 0)).at(0).score, 1 - 150 / 200.0,
              1e-12);
  EXPECT_NEAR(filter("brightness", config).judge(pixel(0, 0, 1)).at(0).score, 1 - 29 / 200.0,
              1e-12);
}

TEST(Brightness, RefusesLimitsThatLeaveNothingBetweenThem) {
  PluginUnderTest plugin("brightness");
  const Outcome outcome =
      plugin.create_outcome("brightness", "sampling/1", {{"dark", 120}, {"bright", 110}});
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
  EXPECT_EQ(outcome.field, "dark");
}

TEST(FrameDifference, SeesWhatMoved) {
  Filter camera = filter("frame-difference");
  EXPECT_EQ(judged(camera, square(4, 4)), (Judged{1, true})) << "the first";
  EXPECT_EQ(judged(camera, square(4, 4)), (Judged{0, false})) << "nothing moved";
  EXPECT_EQ(judged(camera, square(8, 4)), (Judged{64 / 1024.0, true}))
      << "4 columns here and there";
  EXPECT_EQ(judged(camera, square(8, 5)), (Judged{16 / 1024.0, false})) << "less than 2 of 100";
}

TEST(FrameDifference, IsHardFromTheShareOn) {
  Filter at = filter("frame-difference", {{"share", 64 / 1024.0}});
  Filter above = filter("frame-difference", {{"share", 65 / 1024.0}});
  for (Filter* each : {&at, &above}) judged(*each, square(4, 4));
  EXPECT_TRUE(judged(at, square(8, 4)).hard);
  EXPECT_FALSE(judged(above, square(8, 4)).hard);
}

TEST(FrameDifference, IgnoresPixelsThatChangeByNoMoreThanDelta) {
  Filter camera = filter("frame-difference");
  judged(camera, flat(100));
  EXPECT_EQ(judged(camera, flat(125)), (Judged{0, false}));
  EXPECT_EQ(judged(camera, flat(99)), (Judged{1, true}));
}

TEST(FrameDifference, AddsUpSlowChangesSinceTheLastHardFrame) {
  Filter previous = filter("frame-difference");
  Filter last_hard = filter("frame-difference", {{"reference", "last-hard"}});
  std::vector<bool> by_previous, by_last_hard;
  for (int level = 40; level <= 110; level += 10) {
    by_previous.push_back(judged(previous, flat(level)).hard);
    by_last_hard.push_back(judged(last_hard, flat(level)).hard);
  }
  EXPECT_THAT(by_previous,
              testing::ElementsAre(true, false, false, false, false, false, false, false));
  EXPECT_THAT(by_last_hard,
              testing::ElementsAre(true, false, false, true, false, false, true, false));
}

TEST(FrameDifference, ComparesNoFramesOfDifferentSizes) {
  Filter camera = filter("frame-difference");
  judged(camera, flat(100, 32));
  EXPECT_EQ(judged(camera, flat(100, 16)), (Judged{1, true}));
  EXPECT_EQ(judged(camera, flat(100, 16)), (Judged{0, false}));
}

TEST(FrameDifference, KeepsItsReferenceWhereItRefusesAFrame) {
  Filter camera = filter("frame-difference");
  judged(camera, flat(100));
  std::vector<Judged> none;
  EXPECT_FALSE(camera.try_judge(features({Row(16)}, {16}), none).ok());
  EXPECT_EQ(judged(camera, flat(100)), (Judged{0, false}));
}

TEST(FrameDifference, RefusesAReferenceThatItDoesNotKnow) {
  PluginUnderTest plugin("frame-difference");
  const Outcome outcome =
      plugin.create_outcome("frame-difference", "sampling/1", {{"reference", "last"}});
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
  EXPECT_EQ(outcome.field, "reference");
}

TEST(PHashDedup, KnowsAPictureAgainWithNoiseOtherBrightnessAndOtherSize) {
  for (int number = 0; number < 6; ++number) {
    const cv::Mat picture = scene(number);
    cv::Mat half;
    cv::resize(picture, half, {32, 32}, 0, 0, cv::INTER_AREA);
    Filter dedup = filter("phash-dedup");
    EXPECT_EQ(judged(dedup, picture), (Judged{1, true})) << "the first";
    EXPECT_EQ(judged(dedup, picture), (Judged{0, false}));
    for (const cv::Mat& again :
         {noisy(picture, 0.02), cv::Mat(picture + 0.1), cv::Mat(0.6 * picture + 0.1), half}) {
      const Judged found = judged(dedup, again);
      EXPECT_LE(found.score, 6 / 64.0) << number;
      EXPECT_FALSE(found.hard) << number;
    }
  }
}

TEST(PHashDedup, TellsPicturesApart) {
  Filter dedup = filter("phash-dedup");
  for (int number = 0; number < 6; ++number) {
    const Judged found = judged(dedup, scene(number));
    EXPECT_GT(found.score, 12 / 64.0) << number;
    EXPECT_TRUE(found.hard) << number;
  }
}

TEST(PHashDedup, SeesNoPictureInOneColour) {
  Filter dedup = filter("phash-dedup");
  judged(dedup, flat(0));
  for (const int level : {1, 85, 128, 254, 255})
    EXPECT_EQ(judged(dedup, flat(level)), (Judged{0, false})) << level;
}

TEST(PHashDedup, IsHardAboveTheDistance) {
  const auto second = [](const Json& config) {
    return filter("phash-dedup", config).judge(pictures({scene(1), scene(2)})).at(1);
  };
  const double bits = 64 * second(Json::object()).score;
  EXPECT_EQ(bits, std::floor(bits));
  EXPECT_FALSE(second({{"distance", static_cast<int>(bits)}}).hard);
  EXPECT_TRUE(second({{"distance", static_cast<int>(bits) - 1}}).hard);
}

TEST(PHashDedup, ForgetsTheOldestOfMoreThanItRemembers) {
  Filter dedup = filter("phash-dedup", {{"memory", 2}});
  for (const int number : {1, 2, 3}) EXPECT_TRUE(judged(dedup, scene(number)).hard) << number;
  EXPECT_FALSE(judged(dedup, scene(2)).hard);
  EXPECT_FALSE(judged(dedup, scene(3)).hard);
  EXPECT_TRUE(judged(dedup, scene(1)).hard) << "3 took its place; now it takes that of 2";
  EXPECT_FALSE(judged(dedup, scene(3)).hard);
  EXPECT_TRUE(judged(dedup, scene(2)).hard);
}

TEST(PHashDedup, RemembersHardPicturesOnly) {
  Filter dedup = filter("phash-dedup", {{"memory", 1}});
  judged(dedup, scene(3));
  const Judged near = judged(dedup, noisy(scene(3), 0.1));
  ASSERT_FALSE(near.hard);
  ASSERT_GT(near.score, 0);
  EXPECT_EQ(judged(dedup, scene(3)).score, 0) << "the near one took its place";
}
