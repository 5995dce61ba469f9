// What a service measures and decides by: numbers in, numbers out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "core/runtime/serving/breaker.hpp"
#include "core/runtime/serving/features.hpp"
#include "core/runtime/serving/histogram.hpp"
#include "core/runtime/serving/link_estimate.hpp"
#include "core/runtime/serving/statistics.hpp"
#include "tests/unit/runtime/serving_support.hpp"

namespace skerry::runtime {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

// ---- the breaker

class BreakerTest : public testing::Test {
 protected:
  static Breaker::Clock::time_point at(int ms) {
    return Breaker::Clock::time_point(std::chrono::hours(1) + milliseconds(ms));
  }
  void open(int ms = 0) {
    for (int i = 0; i < 3; ++i) breaker.missed(at(ms), at(ms));
    ASSERT_EQ(breaker.state(), Breaker::State::open);
  }
  // How long it lets nothing pass after `ms`; at most two seconds.
  int pause_from(int ms) {
    for (int pause = 0; pause < 2000; ++pause)
      if (breaker.admit(at(ms + pause))) return pause;
    return -1;
  }

  Breaker breaker;
};

TEST_F(BreakerTest, OpensAfterThreeMissesInARow) {
  EXPECT_TRUE(breaker.admit(at(0)));
  EXPECT_FALSE(breaker.missed(at(0), at(0)));
  EXPECT_FALSE(breaker.missed(at(1), at(1)));
  breaker.answered();
  EXPECT_FALSE(breaker.missed(at(2), at(2)));
  EXPECT_FALSE(breaker.missed(at(3), at(3)));
  EXPECT_TRUE(breaker.admit(at(3)));
  EXPECT_TRUE(breaker.missed(at(4), at(4)));
  EXPECT_EQ(breaker.state(), Breaker::State::open);
  EXPECT_FALSE(breaker.admit(at(4)));
}

TEST_F(BreakerTest, ProbesAfterPausesThatGrowUpToTheLongest) {
  open();
  int now = 0;
  for (const int pause : {100, 200, 400, 800, 800, 800}) {
    EXPECT_EQ(pause_from(now), pause);
    now += pause;
    EXPECT_EQ(breaker.state(), Breaker::State::probing);
    EXPECT_FALSE(breaker.admit(at(now))) << "one probe at a time";
    EXPECT_FALSE(breaker.missed(at(now), at(now))) << "it was open already";
    EXPECT_EQ(breaker.state(), Breaker::State::open);
  }
}

TEST_F(BreakerTest, ClosesOnAnAnswerAndForgetsItsPauses) {
  open();
  EXPECT_EQ(pause_from(0), 100);
  breaker.missed(at(100), at(100));
  EXPECT_EQ(pause_from(100), 200);
  breaker.answered();
  EXPECT_EQ(breaker.state(), Breaker::State::closed);
  EXPECT_TRUE(breaker.admit(at(300)));
  EXPECT_FALSE(breaker.missed(at(300), at(300)));
  EXPECT_FALSE(breaker.missed(at(300), at(300)));
  EXPECT_TRUE(breaker.missed(at(300), at(300)));
  EXPECT_EQ(pause_from(300), 100);
}

TEST_F(BreakerTest, ClosesOnALateAnswerWhileItIsOpen) {
  open();
  breaker.answered();
  EXPECT_TRUE(breaker.admit(at(1)));
}

TEST_F(BreakerTest, ALateMissWhileItIsOpenDoesNotLengthenThePause) {
  open();
  for (int i = 1; i < 90; ++i) EXPECT_FALSE(breaker.missed(at(i), at(i)));
  EXPECT_EQ(pause_from(0), 100);
}

TEST_F(BreakerTest, HasTheLimitsThatItIsGiven) {
  Breaker quick(Breaker::Limits{1, milliseconds(10), milliseconds(15)});
  EXPECT_TRUE(quick.missed(at(0), at(0)));
  EXPECT_FALSE(quick.admit(at(9)));
  EXPECT_TRUE(quick.admit(at(10)));
  quick.missed(at(10), at(10));
  EXPECT_FALSE(quick.admit(at(24)));
  EXPECT_TRUE(quick.admit(at(25)));
}

// ---- the histogram

TEST_F(BreakerTest, IsNotToldByAnOldQuestionHowItsProbeWent) {
  open();
  ASSERT_TRUE(breaker.admit(at(100)));
  EXPECT_FALSE(breaker.missed(at(110), at(-20)));
  EXPECT_EQ(breaker.state(), Breaker::State::probing);
  breaker.missed(at(180), at(100));
  EXPECT_EQ(pause_from(180), 200);
}

TEST(HistogramTest, BoundsEveryValueFromAboveWithinAnEighth) {
  std::mt19937_64 random(7);
  std::vector<std::uint32_t> values;
  for (std::uint32_t value = 0; value < 100'000; ++value) values.push_back(value);
  for (int bit = 0; bit < 32; ++bit)
    for (const int off : {-1, 0, 1})
      values.push_back((std::uint32_t{1} << bit) + static_cast<std::uint32_t>(off));
  for (int i = 0; i < 100'000; ++i)
    values.push_back(static_cast<std::uint32_t>(random() >> (32 + i % 32)));
  for (const std::uint32_t value : values) {
    Histogram histogram;
    histogram.add(value);
    const std::uint64_t told = histogram.quantile(0.5);
    ASSERT_GE(told, value);
    ASSERT_LE(static_cast<double>(told), 1.125 * value) << value;
  }
}

TEST(HistogramTest, HasBucketsThatGrow) {
  for (std::size_t i = 1; i < Histogram::kBuckets; ++i)
    ASSERT_GT(Histogram::upper(i), Histogram::upper(i - 1)) << i;
  EXPECT_EQ(Histogram::upper(Histogram::kBuckets - 1), 0xffffffffu);
  // A value that is a bucket's end is in that bucket.
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
    Histogram histogram;
    histogram.add(static_cast<std::uint32_t>(Histogram::upper(i)));
    ASSERT_EQ(histogram.count(i), 1u);
  }
}

TEST(HistogramTest, TellsQuantilesOfManyValues) {
  for (const unsigned seed : {1u, 2u, 3u}) {
    std::mt19937 random(seed);
    std::lognormal_distribution<double> times(8, 2);
    Histogram histogram;
    std::vector<std::uint32_t> values;
    for (int i = 0; i < 10'000; ++i) {
      values.push_back(static_cast<std::uint32_t>(std::min(times(random), 4e9)));
      histogram.add(values.back());
    }
    std::sort(values.begin(), values.end());
    EXPECT_EQ(histogram.total(), values.size());
    for (const double q : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = std::min(values.size() - 1, static_cast<std::size_t>(q * 10'000));
      const std::uint64_t told = histogram.quantile(q);
      EXPECT_GE(told, values[rank]) << q;
      EXPECT_LE(static_cast<double>(told), 1.125 * values[rank]) << q;
    }
  }
}

TEST(HistogramTest, TellsNothingWithoutValues) {
  EXPECT_EQ(Histogram().quantile(0.5), 0u);
  EXPECT_EQ(Histogram().quantile(1), 0u);
  EXPECT_EQ(Histogram().total(), 0u);
}

TEST(StatisticsTest, TellCountsByNameAndBucketsThatHoldSomething) {
  Statistics statistics;
  statistics.requests = 3;
  statistics.by_edge = 2;
  statistics.breaker = 1;
  statistics.encoded = 4;
  statistics.bytes_up = 5;
  statistics.labels_kept = 6;
  statistics.labels_dropped = 7;
  statistics.total.add(5);
  statistics.total.add(5);
  statistics.total.add(90);
  const auto metrics = statistics.metrics();
  EXPECT_EQ(metrics.at("requests"), 3);
  EXPECT_EQ(metrics.at("byEdge"), 2);
  EXPECT_EQ(metrics.at("breaker"), 1);
  EXPECT_EQ(metrics.at("encoded"), 4);
  EXPECT_EQ(metrics.at("bytesUp"), 5);
  EXPECT_EQ(metrics.at("labelsKept"), 6);
  EXPECT_EQ(metrics.at("labelsDropped"), 7);
  EXPECT_EQ(metrics.at("total.le.5"), 2);
  EXPECT_EQ(metrics.at("total.le.95"), 1);
  EXPECT_EQ(
      std::count_if(metrics.begin(), metrics.end(),
                    [](const auto& each) { return each.first.find(".le.") != std::string::npos; }),
      2);
}

// ---- what the link takes

TEST(LinkEstimateTest, KnowsNothingOfSizesThatWereNotAsked) {
  LinkEstimate link;
  EXPECT_FALSE(link.expect(1000));
  link.answered(1000, 5000, 100);
  EXPECT_DOUBLE_EQ(*link.expect(1000), 5100);
  EXPECT_DOUBLE_EQ(*link.expect(600), 5100);
  EXPECT_FALSE(link.expect(100'000));
  EXPECT_FALSE(link.expect(0));
  link.answered(0, 10, 100);
  EXPECT_DOUBLE_EQ(*link.expect(1), 110);
  link.answered(std::size_t{8} << 20, 80'000, 100);
  EXPECT_DOUBLE_EQ(*link.expect(std::size_t{8} << 20), 80'100);
}

TEST(LinkEstimateTest, FollowsWhatComesBack) {
  LinkEstimate link;
  link.answered(1000, 1000, 0);
  for (int i = 0; i < 20; ++i) link.answered(1000, 9000, 500);
  EXPECT_GT(*link.expect(1000), 9000);
  EXPECT_LE(*link.expect(1000), 9500);
  for (int i = 0; i < 20; ++i) link.answered(1000, 1000, 0);
  EXPECT_LT(*link.expect(1000), 1200);
}

TEST(LinkEstimateTest, AMissSaysThatItTakesLongerAndNeverThatItTakesLess) {
  LinkEstimate link;
  link.missed(1000, 50'000);
  EXPECT_DOUBLE_EQ(*link.expect(1000), 50'000);
  link.missed(1000, 100);
  EXPECT_DOUBLE_EQ(*link.expect(1000), 50'000);
  for (int i = 0; i < 30; ++i) link.missed(1000, 100'000);
  EXPECT_GT(*link.expect(1000), 99'000);
  link.answered(2000, 1000, 0);
  link.missed(2000, 500);
  EXPECT_DOUBLE_EQ(*link.expect(2000), 1000);
}

// ---- what a question is about

class FeaturesOf : public testing::Test {
 protected:
  // What of it comes out, or the code of its refusal.
  std::string read(const wire::PredictRequest& meta, Bytes data) {
    out.assign(4, -1);
    const auto read = features_of({meta, data}, form, payload, out.data());
    if (read) return "";
    message = read.error().message;
    return read.error().field;
  }

  const InputForm form{.shape = {2, 2}, .classes = 3, .scale = 0.5F};
  const ServedPayload* payload = nullptr;
  std::vector<float> out;
  std::string message;
};

TEST_F(FeaturesOf, FloatsAreTakenAsTheyAreWhereverTheyLie) {
  const std::vector<float> values{1, -2, 3.5F, std::nanf("")};
  std::string bytes(4 * sizeof(float) + 1, '\0');
  std::memcpy(bytes.data() + 1, values.data(), 4 * sizeof(float));
  EXPECT_EQ(read({.service = "s", .form = wire::Form::float32, .shape = {2, 2}},
                 as_bytes(std::string_view(bytes).substr(1))),
            "");
  EXPECT_EQ(out[0], 1);
  EXPECT_EQ(out[1], -2);
  EXPECT_EQ(out[2], 3.5F);
  EXPECT_TRUE(std::isnan(out[3]));
}

TEST_F(FeaturesOf, BytesAreScaled) {
  const std::string bytes("\x00\x01\xfe\xff", 4);
  EXPECT_EQ(read({.service = "s", .form = wire::Form::uint8, .shape = {2, 2}}, as_bytes(bytes)),
            "");
  EXPECT_THAT(out, ElementsAre(0, 0.5F, 127, 127.5F));
}

TEST_F(FeaturesOf, AnotherShapeIsRefusedWithBoth) {
  EXPECT_EQ(read({.service = "s", .form = wire::Form::uint8, .shape = {4}}, as_bytes("abcd")),
            "shape.mismatch");
  EXPECT_THAT(message, HasSubstr("[4]"));
  EXPECT_THAT(message, HasSubstr("[2, 2]"));
  EXPECT_THAT(out, ElementsAre(-1, -1, -1, -1));
}

TEST_F(FeaturesOf, AnImageIsRefusedWithTheCureWhereNothingDecodesIt) {
  EXPECT_EQ(read({.service = "s", .form = wire::Form::image}, as_bytes("png")), "type.mismatch");
  EXPECT_THAT(message, HasSubstr("float32 or uint8"));
  EXPECT_THAT(message, HasSubstr("names no payload plugin"));
}

// ---- what decodes it

class DecodedFeatures : public FeaturesOf {
 protected:
  DecodedFeatures() { payload = &served; }

  Tiny codec{.encode = picture_of, .decode = read_picture};
  const std::unique_ptr<Instance> made = instance("payload/1", codec);
  const ServedPayload served{*made, form.shape};
  const wire::PredictRequest image{.service = "s", .form = wire::Form::image};
};

TEST_F(DecodedFeatures, AreThoseOfTheImage) {
  EXPECT_EQ(read(image, as_bytes("p0123")), "");
  EXPECT_THAT(out, ElementsAre(0, 0.25F, 0.5F, 0.75F));
}

TEST_F(DecodedFeatures, OtherFormsAreTakenAsWell) {
  const std::string bytes("\x00\x01\xfe\xff", 4);
  EXPECT_EQ(read({.service = "s", .form = wire::Form::uint8, .shape = {2, 2}}, as_bytes(bytes)),
            "");
  EXPECT_THAT(out, ElementsAre(0, 0.5F, 127, 127.5F));
}

TEST_F(DecodedFeatures, BytesThatAreNoImageAreTheAskersFault) {
  EXPECT_EQ(read(image, as_bytes("png")), "image.malformed");
  EXPECT_EQ(message, "no picture");
}

TEST_F(DecodedFeatures, AnythingElseIsThePluginsFault) {
  codec.decode = [](std::string_view, std::span<float>) { throw std::runtime_error("no memory"); };
  EXPECT_EQ(read(image, as_bytes("p0123")), "model.failed");
  EXPECT_EQ(message, "no memory");
  codec.decode = [](std::string_view, std::span<float> example) {
    std::fill(example.begin(), example.end(), 1.0F);
    example[2] = std::numeric_limits<float>::infinity();
  };
  EXPECT_EQ(read(image, as_bytes("p0123")), "model.failed");
  EXPECT_THAT(message, HasSubstr("not finite"));
}

}  // namespace
}  // namespace skerry::runtime
