// What the cloud said of examples, on its way to a sink.
#include "core/runtime/serving/kept_labels.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "core/base/log.hpp"
#include "tests/unit/runtime/serving_support.hpp"

namespace skerry::runtime {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using Clock = KeptLabels::Clock;

class KeptLabelsTest : public testing::Test {
 protected:
  // `known` tells them apart.
  static CloudLabel label(std::int64_t known, wire::Form form, std::string_view data) {
    wire::PredictRequest meta{.service = "digits", .form = form, .label = known};
    if (form != wire::Form::image) meta.shape = {2};
    const std::string frame = wire::frame_request(1, 2, meta, as_bytes(data));
    CloudLabel made;
    made.body = zmq::message_t(frame);
    const auto view = wire::check_frame(made.body.to_string_view(), wire::kPredictLimit);
    made.request = wire::parse_request(view->payload).value();
    made.outputs = {0.25F, 0.75F};
    return made;
  }
  static CloudLabel levels(std::int64_t known) {
    return label(known, wire::Form::uint8, std::string_view("\x07\xff", 2));
  }
  static CloudLabel large(std::int64_t known, std::size_t bytes) {
    return label(known, wire::Form::image, "p01" + std::string(bytes, ' '));
  }
  std::vector<std::int64_t> written() const {
    std::vector<std::int64_t> known;
    for (const Written& each : sink.written()) known.push_back(each.label);
    return known;
  }
  static Clock::time_point soon() { return Clock::now() + milliseconds(100); }

  const InputForm form{.shape = {2}, .classes = 2};
  Tiny codec{.encode = picture_of, .decode = read_picture};
  const std::unique_ptr<Instance> coder = instance("payload/1", codec);
  const ServedPayload payload{*coder, form.shape};
  KeepingSink sink;
  KeptLabels labels{sink.opened(form), form, "digits", &payload};
};

TEST_F(KeptLabelsTest, AreWrittenOneAtATimeInTheirOrder) {
  EXPECT_TRUE(labels.empty());
  EXPECT_FALSE(labels.write_one(soon()));
  for (const std::int64_t known : {4, 5, 6}) labels.add(levels(known));
  EXPECT_TRUE(labels.write_one(soon()));
  EXPECT_THAT(written(), ElementsAre(4));
  EXPECT_TRUE(labels.write_one(soon()));
  EXPECT_TRUE(labels.write_one(soon()));
  EXPECT_TRUE(labels.empty());
  EXPECT_FALSE(labels.write_one(soon()));
  EXPECT_THAT(written(), ElementsAre(4, 5, 6));
  EXPECT_EQ(labels.written(), 3u);
  EXPECT_EQ(labels.dropped(), 0u);
}

TEST_F(KeptLabelsTest, SayWhatTheCloudSaidOfWhichExample) {
  auto one = levels(1);
  one.late = true;
  one.meta.hard = true;
  one.meta.score = 0.5;
  one.meta.version = 8;
  one.meta.total_us = 40;
  one.meta.wire_us = 30;
  one.meta.queue_us = 2;
  one.meta.compute_us = 3;
  labels.add(std::move(one));
  const std::vector<float> values{1.5F, -2};
  labels.add(label(-1, wire::Form::float32, as_text(std::as_bytes(std::span(values)))));
  labels.add(label(0, wire::Form::image, "p24"));
  labels.finish();
  const auto told = sink.written();
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[0].number, 0u);
  EXPECT_TRUE(std::isnan(told[0].seconds));
  EXPECT_EQ(told[0].label, 1);
  EXPECT_EQ(told[0].name + told[0].source + told[0].code + told[0].message, "");
  EXPECT_EQ(told[0].service, "digits");
  EXPECT_EQ(told[0].shape, form.shape);
  EXPECT_THAT(told[0].levels, ElementsAre(7, 255));
  EXPECT_THAT(told[0].outputs, ElementsAre(0.25F, 0.75F));
  EXPECT_TRUE(told[0].by_cloud && told[0].hard && told[0].late);
  EXPECT_FALSE(told[0].fallback);
  EXPECT_EQ(told[0].score, 0.5);
  EXPECT_EQ(told[0].version, 8u);
  EXPECT_EQ(told[0].total_us, 40u);
  EXPECT_EQ(told[0].wire_us, 30u);
  EXPECT_EQ(told[0].queue_us, 2u);
  EXPECT_EQ(told[0].compute_us, 3u);
  EXPECT_EQ(told[1].number, 1u);
  EXPECT_THAT(told[1].floats, ElementsAre(1.5F, -2));
  EXPECT_EQ(told[1].label, -1);
  EXPECT_FALSE(told[1].late);
  EXPECT_EQ(told[2].number, 2u);
  EXPECT_THAT(told[2].floats, ElementsAre(0.5F, 1));
}

TEST_F(KeptLabelsTest, WhereThereAreTooManyTheOldestAreDropped) {
  constexpr std::int64_t kMost = 4096;
  for (std::int64_t known = 0; known < kMost + 2; ++known) labels.add(levels(known));
  EXPECT_EQ(labels.dropped(), 2u);
  labels.finish();
  ASSERT_EQ(sink.written().size(), static_cast<std::size_t>(kMost));
  EXPECT_EQ(written().front(), 2);
  EXPECT_EQ(written().back(), kMost + 1);
}

TEST_F(KeptLabelsTest, TakeNoMoreMemoryThanTheyMayAndGiveBackWhatTheyHad) {
  constexpr std::size_t kLarge = 3u << 20;
  const std::size_t room = (std::size_t{64} << 20) / large(0, kLarge).bytes();
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < room; ++i) labels.add(large(round, kLarge));
    EXPECT_EQ(labels.dropped(), 0u);
    while (!labels.empty()) labels.write_one(Clock::time_point::max());
  }
  EXPECT_EQ(labels.written(), 2 * room);
  for (std::size_t i = 0; i < room + 3; ++i) labels.add(large(2, kLarge));
  EXPECT_EQ(labels.dropped(), 3u);
}

TEST_F(KeptLabelsTest, OneForWhichThereIsNoRoomElsewhereIsCounted) {
  labels.drop();
  EXPECT_EQ(labels.dropped(), 1u);
}

TEST_F(KeptLabelsTest, WhatASinkRefusesIsDroppedAndToldOfOnce) {
  const TempDir dir = TempDir::create().value();
  ASSERT_TRUE(init_log({.name = "test", .file = dir.path() / "log", .console = false}));
  bool full = true;
  sink.before_write = [&](const skerry_outcome&) {
    if (full) throw std::runtime_error("no space left");
  };
  for (const std::int64_t known : {1, 2, 3, 4}) labels.add(levels(known));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(labels.write_one(soon()));
  full = false;
  EXPECT_TRUE(labels.write_one(soon()));
  ASSERT_TRUE(init_log({.name = "test", .level = "off"}));
  EXPECT_EQ(labels.dropped(), 3u);
  EXPECT_EQ(labels.written(), 1u);
  EXPECT_THAT(written(), ElementsAre(4));
  const std::string lines = read_file(dir.path() / "log").value();
  EXPECT_THAT(lines, HasSubstr("no space left"));
  EXPECT_THAT(lines, HasSubstr("tiny 1.0.0"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1) << lines;
}

// It was decoded once already; what a plugin says of it now may be another thing.
TEST_F(KeptLabelsTest, OneWhoseExampleCannotBeReadIsDropped) {
  labels.add(label(1, wire::Form::image, "a word"));
  labels.add(label(2, wire::Form::image, "p01"));
  while (!labels.empty()) EXPECT_TRUE(labels.write_one(soon()));
  EXPECT_THAT(written(), ElementsAre(2));
  EXPECT_EQ(labels.dropped(), 1u);
}

// ---- when there is time

TEST_F(KeptLabelsTest, NoneIsWrittenForWhichThereIsNoTime) {
  labels.add(levels(1));
  EXPECT_FALSE(labels.write_one(Clock::now() - milliseconds(1)));
  sink.before_write = [](const skerry_outcome&) { std::this_thread::sleep_for(milliseconds(30)); };
  EXPECT_TRUE(labels.write_one(Clock::now() + std::chrono::seconds(1)));
  labels.add(levels(2));
  EXPECT_FALSE(labels.write_one(Clock::now() + milliseconds(30)));
  EXPECT_TRUE(labels.write_one(Clock::now() + std::chrono::seconds(1)));
}

TEST_F(KeptLabelsTest, ADiskThatWasSlowOnceIsTriedAgainAfterAWhile) {
  constexpr auto kTime = milliseconds(100);  // that there is for one at the most
  sink.before_write = [](const skerry_outcome&) { std::this_thread::sleep_for(milliseconds(55)); };
  labels.add(levels(1));
  const auto first = Clock::now();
  EXPECT_TRUE(labels.write_one(first + kTime));
  const auto took = Clock::now() - first;
  sink.before_write = nullptr;
  labels.add(levels(2));
  const auto begin = Clock::now();
  while (!labels.write_one(Clock::now() + kTime)) {
    ASSERT_LT(Clock::now() - begin, std::chrono::seconds(60));
    std::this_thread::sleep_for(milliseconds(1));
  }
  // A disk that is always slow must not take much of the service's time.
  EXPECT_GT(Clock::now() - begin, 20 * took);
}

// ---- the end

TEST_F(KeptLabelsTest, AtTheEndAllAreWrittenAndTheSinkIsClosed) {
  for (const std::int64_t known : {1, 2, 3}) labels.add(levels(known));
  labels.finish();
  EXPECT_THAT(written(), ElementsAre(1, 2, 3));
  EXPECT_EQ(sink.closed, 1);
  EXPECT_TRUE(labels.empty());
  EXPECT_EQ(labels.written(), 3u);
}

TEST_F(KeptLabelsTest, AtTheEndASinkThatFailedOnceIsTriedAgain) {
  bool full = true;
  sink.before_write = [&](const skerry_outcome&) {
    if (full) throw std::runtime_error("no space left");
  };
  for (const std::int64_t known : {1, 2, 3}) labels.add(levels(known));
  EXPECT_TRUE(labels.write_one(soon()));
  full = false;
  labels.finish();
  EXPECT_THAT(written(), ElementsAre(2, 3));
  EXPECT_EQ(labels.dropped(), 1u);
}

TEST_F(KeptLabelsTest, AtTheEndAnExampleThatTheSinkCannotTakeCostsTheOthersNothing) {
  sink.before_write = [](const skerry_outcome& outcome) {
    if (outcome.item->label == 2) throw Refused("has four channels");
  };
  for (const std::int64_t known : {1, 2, 3}) labels.add(levels(known));
  labels.finish();
  EXPECT_THAT(written(), ElementsAre(1, 3));
  EXPECT_EQ(labels.dropped(), 1u);
}

TEST_F(KeptLabelsTest, AtTheEndASinkThatFailsIsNotWaitedForManyTimes) {
  int tries = 0;
  sink.before_write = [&](const skerry_outcome&) {
    ++tries;
    throw std::runtime_error("the network folder is away");
  };
  for (const std::int64_t known : {1, 2, 3}) labels.add(levels(known));
  labels.finish();
  EXPECT_EQ(tries, 1);
  EXPECT_EQ(labels.dropped(), 3u);
  EXPECT_TRUE(labels.empty());
  EXPECT_EQ(sink.closed, 1);
}

TEST_F(KeptLabelsTest, ASinkThatNeedsNoCloseOrFailsAtItIsLetGo) {
  sink.tiny.close = [] { throw std::runtime_error("cannot close"); };
  labels.add(levels(1));
  labels.finish();
  EXPECT_EQ(labels.written(), 1u);
  KeepingSink plain;
  plain.tiny.close = nullptr;
  const auto made = instance("sink/1", plain.tiny);
  KeptLabels others{ServedSink::open(*made, form).value(), form, "digits", nullptr};
  others.add(levels(1));
  others.finish();
  EXPECT_EQ(plain.written().size(), 1u);
}

}  // namespace
}  // namespace skerry::runtime
