// Messages to and from FlatBuffers, and what a hostile peer might send.
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "core/wire/codec.hpp"
#include "core/wire/envelope.hpp"
#include "skerry_fbs/task_generated.h"
#include "skerry_fbs/worker_generated.h"
#include "tests/unit/wire/samples.hpp"

namespace skerry::wire {
namespace {

template <class Message>
Result<Message> through_the_wire(const Message& message) {
  const auto received = parse_frame(frame(1, 2, 3, message), kLocalLimit);
  if (!received) return fail(received.error());
  return decode<Message>(received->payload());
}

template <class Message>
void expect_refused(const Message& message, std::string_view field) {
  const auto decoded = through_the_wire(message);
  ASSERT_FALSE(decoded) << field;
  EXPECT_EQ(decoded.error().code, Code::invalid_argument);
  EXPECT_EQ(decoded.error().field, field) << decoded.error().text();
}

TEST(Codec, EveryMessageRoundTrips) {
  for_each_sample([&](const auto& sample) {
    const auto decoded = through_the_wire(sample);
    ASSERT_TRUE(decoded) << static_cast<int>(sample.type) << ": " << decoded.error().text();
    // Equal messages have equal encodings, and no sample has a field with its default value.
    EXPECT_EQ(encode(*decoded), encode(sample)) << static_cast<int>(sample.type);
  });
}

TEST(Codec, ReadsEachFieldOfAFinishedTask) {
  const TaskFinished sent{{"digits", "3/train/edge-1"},
                          {{"loss", 0.25}},
                          {{"weights", sample_digest("w"), 3, "abc"}},
                          "{}",
                          {1, 2, 3, 4, 5},
                          6,
                          7};
  const auto got = through_the_wire(sent).value();
  EXPECT_EQ(got.key, sent.key);
  EXPECT_EQ(got.metrics, sent.metrics);
  ASSERT_EQ(got.outputs.size(), 1u);
  EXPECT_EQ(got.outputs[0].name, "weights");
  EXPECT_EQ(got.outputs[0].digest, sample_digest("w"));
  EXPECT_EQ(got.outputs[0].inline_data, "abc");
  EXPECT_EQ(got.timing.queue, 1);
  EXPECT_EQ(got.timing.cpu, 5);
  EXPECT_EQ(got.bytes_down, 6u);
  EXPECT_EQ(got.bytes_up, 7u);
}

TEST(Codec, ReadsWhatATaskServesAndWhereAnEdgeMayAsk) {
  StartTask start{{"j", "t"}, "k"};
  EXPECT_FALSE(through_the_wire(start)->serves);
  start.serves = {7, 2};
  EXPECT_TRUE(through_the_wire(start)->serves);
  EXPECT_EQ(through_the_wire(start)->serves.version, 7u);
  EXPECT_EQ(through_the_wire(start)->serves.replica, 2u);
  RunTask run{{"j", "t"}, "n", "k"};
  run.serves = {8, 3};
  run.ticket = std::numeric_limits<std::uint64_t>::max();
  const auto ran = through_the_wire(run).value();
  EXPECT_EQ(ran.serves.version, 8u);
  EXPECT_EQ(ran.serves.replica, 3u);
  EXPECT_EQ(ran.ticket, run.ticket);
  Welcome welcome{1, "e", 0, 0, 1, 4711, {}, "o", 65535};
  EXPECT_EQ(through_the_wire(welcome)->request_port, 65535u);
  welcome.request_port = 65536;
  expect_refused(welcome, "request_port");
  const auto seat = through_the_wire(TakeSeat{1, 2, 3}).value();
  EXPECT_EQ(seat.ticket, 1u);
  EXPECT_EQ(seat.session, 2u);
  EXPECT_EQ(seat.credit, 3u);
}

TEST(Codec, MetricsMayBeNaN) {
  const auto got = through_the_wire(TaskReported{{"j", "t"}, 0, {{"loss", std::nan("")}}}).value();
  EXPECT_TRUE(std::isnan(got.metrics.at("loss")));
}

TEST(Codec, DecodesMisalignedPayloads) {
  for_each_sample([](const auto& sample) {
    using Message = std::remove_cvref_t<decltype(sample)>;
    const std::string encoded = encode(sample);
    for (std::size_t shift = 0; shift < 8; ++shift) {
      const std::string moved = std::string(shift, 'x') + encoded;
      EXPECT_TRUE(decode<Message>(as_bytes(std::string_view(moved).substr(shift))));
    }
  });
}

TEST(Codec, SurvivesEveryTruncationAndBitFlipOfAPayload) {
  for_each_sample([](const auto& sample) {
    using Message = std::remove_cvref_t<decltype(sample)>;
    std::string bytes = encode(sample);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      (void)decode<Message>(as_bytes(std::string_view(bytes).substr(0, size)));
    }
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
      (void)decode<Message>(as_bytes(bytes));
      bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    }
  });
}

TEST(Codec, RefusesAnEmptyPayload) {
  for_each_sample([](const auto& sample) {
    using Message = std::remove_cvref_t<decltype(sample)>;
    EXPECT_FALSE(decode<Message>({}));
  });
}

TEST(Codec, NodeNamesAreDnsLabels) {
  for (const std::string bad : {"", "Edge", "-edge", "edge-", "edge.1", "edge 1", "../edge"}) {
    expect_refused(Joined{bad}, "node");
  }
  expect_refused(Joined{std::string(64, 'a')}, "node");
  EXPECT_TRUE(through_the_wire(Joined{std::string(63, 'a')}));
}

TEST(Codec, IdsAreShortAndPrintable) {
  expect_refused(ForgetJob{""}, "job");
  expect_refused(ForgetJob{std::string(201, 'j')}, "job");
  expect_refused(ForgetJob{"new\nline"}, "job");
  expect_refused(CancelTask{{"job", std::string("nul\0", 4)}}, "task");
  EXPECT_TRUE(through_the_wire(ForgetJob{std::string(200, 'j')}));
}

TEST(Codec, InlineDataHasItsSizeAndIsSmall) {
  StartTask task{{"j", "t"}, "k", "", "", {{"a", {}, 4, "abc"}}, {}};
  expect_refused(task, "inputs");
  const std::string half(kInlineBlobLimit / 2, 'x');
  task.inputs = {{"a", {}, half.size(), half}};
  task.attachments = {{"b", {}, half.size(), half}};
  EXPECT_TRUE(through_the_wire(task));
  task.attachments.push_back({"c", {}, 1, "x"});
  expect_refused(task, "attachments");
}

TEST(Codec, ChecksKeysDigestsAndRanges) {
  expect_refused(Join{"edge-1", "short"}, "public_key");
  expect_refused(Join{"edge-1", std::string(40, '~')}, "public_key");
  expect_refused(BlobGet{{}, 0, kChunkSize + 1}, "length");
  expect_refused(BlobPutAck{{}, 1, 2, false}, "durable");
  expect_refused(Welcome{1, "e", 0, 0, 1, 65536, {}, "o"}, "bulk_port");
  expect_refused(RunTask{{"j", "t"}, "n", "k", "", "", "", {{"a", "not hex", "p", ""}}, {}},
                 "inputs");
  expect_refused(TaskDone{{"j", "t"}, true, "", "", "", {}, "", {{"a", {}, 5, "", "abc"}}},
                 "outputs");
}

TEST(Codec, TextForPeopleLosesItsControlCharacters) {
  const auto got = through_the_wire(Refused{"code", "red \x1b[31m\r\n\ttext", false}).value();
  EXPECT_EQ(got.message, "red ?[31m?\n\ttext");
}

TEST(Codec, WorkersMaySendLongText) {
  const std::string state(32 << 20, 's');
  const auto got = through_the_wire(DecideReply{"j", true, "", "", state, "[]"}).value();
  EXPECT_EQ(got.state.size(), state.size());
  std::vector<std::string> events(10000, "{\"type\":\"TaskFinished\"}");
  EXPECT_EQ(through_the_wire(DecideRequest{"j", "{}", "", events}).value().events, events);
}

TEST(Codec, RefusesManyReferencesToOneTableWithoutDelay) {
  Builder b;
  const auto name = b.CreateString("a");
  const auto digest = encode_digest(sample_digest("a"));
  const auto one = fbs::CreateArtifact(b, name, &digest, 1);
  const auto many = b.CreateVector(std::vector<Offset<fbs::Artifact>>(15000, one));
  const auto key = encode_key(b, {"j", "t"});
  const std::string bytes = finish(b, fbs::CreateStartTask(b, key, name, 0, 0, many, many));
  ASSERT_LT(bytes.size(), kControlLimit);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(decode<StartTask>(as_bytes(bytes)));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(50));
}

TEST(Codec, RefusesOneStringNamedManyTimes) {
  Builder b;
  const auto big = b.CreateString(std::string(20000, 'x'));
  const auto many = b.CreateVector(std::vector<Offset<flatbuffers::String>>(10000, big));
  const auto key = encode_key(b, {"j", "t"});
  fbs::TaskDoneBuilder done(b);
  done.add_key(key);
  done.add_plugins(many);
  const std::string bytes = finish(b, done.Finish());
  ASSERT_LT(bytes.size(), kControlLimit);  // it would become 200 MB
  const auto decoded = decode<TaskDone>(as_bytes(bytes));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().field, "plugins");
}

TEST(Codec, RefusesATableWithoutItsParts) {
  Builder b;
  const std::string bytes = finish(b, fbs::CreateTaskFinished(b));
  const auto decoded = decode<TaskFinished>(as_bytes(bytes));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().field, "key");
}

}  // namespace
}  // namespace skerry::wire
