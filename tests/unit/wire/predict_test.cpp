// Questions to services and their answers, and what a hostile asker might send.
#include "core/wire/predict.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "core/wire/codec.hpp"
#include "core/wire/little_endian.hpp"
#include "skerry_fbs/predict_generated.h"

namespace skerry::wire {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

// What stands in a payload before the data.
std::string request_meta(std::string_view service = "digits", std::uint8_t form = 0,
                         const std::vector<std::int64_t>& shape = {2}) {
  Builder b;
  const auto name = b.CreateString(service);
  const auto extents = b.CreateVector(shape);
  return finish(b, fbs::CreatePredictRequest(b, name, 1000, form, extents, -1));
}

std::string payload_of(std::string_view meta, std::string_view data) {
  std::string payload(8, '\0');
  put_number(std::as_writable_bytes(std::span(payload)).data(),
             static_cast<std::uint32_t>(meta.size()));
  payload += meta;
  payload.resize((payload.size() + 15) / 16 * 16);
  return payload.append(data);
}

const std::string kTwoFloats(8, '\1');

void expect_refused(std::string_view payload, const std::string& why) {
  const auto request = parse_request(as_bytes(payload));
  ASSERT_FALSE(request) << why;
  EXPECT_EQ(request.error().code, Code::invalid_argument);
  EXPECT_THAT(request.error().text(), HasSubstr(why));
}

PredictRequest sample_request() {
  return {.service = "digits",
          .patience_us = 80'000,
          .form = Form::float32,
          .shape = {1, 2, 3},
          .label = 7};
}

TEST(AQuestion, ComesThroughTheWireAsItWas) {
  const PredictRequest sent = sample_request();
  const std::string data(6 * sizeof(float), 'x');
  const std::string frame = frame_request(11, 12, sent, as_bytes(data));
  const auto view = check_frame(frame, kPredictLimit);
  ASSERT_TRUE(view) << view.error().text();
  EXPECT_EQ(view->header.type, Type::predict_request);
  EXPECT_EQ(view->header.session, 11u);
  EXPECT_EQ(view->header.seq, 12u);
  const auto got = parse_request(view->payload);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->meta.service, sent.service);
  EXPECT_EQ(got->meta.patience_us, sent.patience_us);
  EXPECT_EQ(got->meta.form, sent.form);
  EXPECT_EQ(got->meta.shape, sent.shape);
  EXPECT_EQ(got->meta.label, sent.label);
  EXPECT_EQ(std::string(as_text(got->data)), data);
}

TEST(AQuestion, BeginsItsDataAt16BytesWhateverItsServiceIsCalled) {
  for (std::size_t length = 1; length <= 40; ++length) {
    PredictRequest request = sample_request();
    request.service = std::string(length, 's');
    const std::string data(6 * sizeof(float), 'x');
    const std::string frame = frame_request(1, 2, request, as_bytes(data));
    const auto got = parse_request(check_frame(frame, kPredictLimit)->payload);
    ASSERT_TRUE(got) << got.error().text();
    EXPECT_EQ((reinterpret_cast<const char*>(got->data.data()) - frame.data()) % 16, 0) << length;
  }
}

TEST(AQuestion, MayBeOfBytesOrOfAnImageAndHasNoLabelUnlessOneIsGiven) {
  PredictRequest request{.service = "digits", .form = Form::uint8, .shape = {4}};
  std::string frame = frame_request(1, 1, request, as_bytes("abcd"));
  auto got = parse_request(check_frame(frame, kPredictLimit)->payload);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->meta.form, Form::uint8);
  EXPECT_EQ(got->meta.label, -1);
  EXPECT_EQ(got->meta.patience_us, 0u);

  request = {.service = "digits", .form = Form::image};
  frame = frame_request(1, 1, request, as_bytes("any bytes at all"));
  got = parse_request(check_frame(frame, kPredictLimit)->payload);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(as_text(got->data), "any bytes at all");
}

TEST(AQuestion, MayHaveAsMuchDataAsTheLimitAllowsAndItsFrameFits) {
  const PredictRequest request{.service = std::string(200, 's'),
                               .form = Form::uint8,
                               .shape = {static_cast<std::int64_t>(kMaxPredictData)}};
  const std::string frame =
      frame_request(1, 1, request, as_bytes(std::string(kMaxPredictData, 'x')));
  const auto view = check_frame(frame, kPredictLimit);
  ASSERT_TRUE(view) << view.error().text();
  EXPECT_TRUE(parse_request(view->payload));
}

TEST(AQuestion, IsReadFromWhereverItLies) {
  const std::string payload = payload_of(request_meta(), kTwoFloats);
  for (std::size_t shift = 0; shift < 16; ++shift) {
    const std::string moved = std::string(shift, 'x') + payload;
    const auto got = parse_request(as_bytes(std::string_view(moved).substr(shift)));
    ASSERT_TRUE(got) << shift << ": " << got.error().text();
    EXPECT_EQ(as_text(got->data), kTwoFloats);
  }
}

TEST(AQuestion, IsRefusedWhereItIsCutShort) {
  const std::string payload = payload_of(request_meta(), kTwoFloats);
  const std::size_t before_data = payload.size() - kTwoFloats.size();
  for (std::size_t size = 0; size < before_data; ++size)
    expect_refused(std::string_view(payload).substr(0, size), "is cut short");
  for (std::size_t size = before_data; size < payload.size(); ++size)
    expect_refused(std::string_view(payload).substr(0, size), "for a float32 tensor of shape [2]");
}

TEST(AQuestion, IsRefusedWhereItSaysTooMuchAboutItself) {
  std::string payload = payload_of(request_meta(), kTwoFloats);
  for (const std::uint32_t size : {4097u, 1u << 20, 0x7fffffffu, 0xffffffffu}) {
    put_number(std::as_writable_bytes(std::span(payload)).data(), size);
    expect_refused(payload, "says too much about itself");
  }
  expect_refused(payload_of(request_meta(std::string(5000, 's')), kTwoFloats),
                 "says too much about itself");
}

TEST(AQuestion, IsRefusedWhereItsTableIsNone) {
  expect_refused(payload_of("", kTwoFloats), "is malformed");
  expect_refused(payload_of(std::string(64, '\xff'), kTwoFloats), "is malformed");
  std::string meta = request_meta();
  expect_refused(payload_of(meta.substr(0, meta.size() / 2), kTwoFloats), "is malformed");
}

TEST(AQuestion, SurvivesEveryBitFlipOfWhatItSaysAboutItself) {
  std::string payload = payload_of(request_meta("digits", 1, {2, 4}), "12345678");
  ASSERT_TRUE(parse_request(as_bytes(payload)));
  for (std::size_t bit = 0; bit < 8 * (payload.size() - 8); ++bit) {
    payload[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    if (const auto got = parse_request(as_bytes(payload)); got && got->meta.form != Form::image) {
      EXPECT_EQ(elements_of(got->meta.shape) * element_size(got->meta.form), got->data.size());
    }
    payload[bit / 8] ^= static_cast<char>(1 << (bit % 8));
  }
}

TEST(AQuestion, NamesAServiceInPrintableCharacters) {
  expect_refused(payload_of(request_meta(""), kTwoFloats), "service");
  expect_refused(payload_of(request_meta("new\nline"), kTwoFloats), "service");
  expect_refused(payload_of(request_meta(std::string(201, 's')), kTwoFloats), "service");
  EXPECT_TRUE(parse_request(as_bytes(payload_of(request_meta(std::string(200, 's')), kTwoFloats))));
}

TEST(AQuestion, IsOfAFormThatIsKnown) {
  expect_refused(payload_of(request_meta("digits", 3), kTwoFloats), "form is unknown here");
  expect_refused(payload_of(request_meta("digits", 255), kTwoFloats), "form is unknown here");
}

TEST(AQuestion, HasAsMuchDataAsItsShapeSays) {
  expect_refused(payload_of(request_meta("digits", 0, {3}), kTwoFloats),
                 "found 8 bytes of data for a float32 tensor of shape [3]");
  expect_refused(payload_of(request_meta("digits", 1, {2, 2}), kTwoFloats),
                 "found 8 bytes of data for a uint8 tensor of shape [2, 2]");
  expect_refused(payload_of(request_meta("digits", 0, {2}), ""), "found 0 bytes of data");
  expect_refused(payload_of(request_meta("digits", 2, {}), ""), "an image of no bytes");
}

TEST(AQuestion, IsRefusedWithAShapeThatNoTensorHas) {
  const std::vector<std::vector<std::int64_t>> shapes = {
      {},
      {0},
      {-2},
      {-1, -2},
      {2, 0},
      {std::int64_t{1} << 62, 4},  // the product is 0 in 64 bits
      {std::int64_t{1} << 32, std::int64_t{1} << 32},
      {kMost},
      {kMost, kMost, kMost, kMost},
      {std::numeric_limits<std::int64_t>::min()},
      {(std::int64_t{1} << 62) + 1, 4},  // 4 in 64 bits
      {1, 1, 1, 1, 1, 1, 1, 1, 2}};
  for (const auto& shape : shapes) {
    EXPECT_EQ(elements_of(shape), 0u);
    const auto got =
        parse_request(as_bytes(payload_of(request_meta("digits", 0, shape), kTwoFloats)));
    EXPECT_FALSE(got) << testing::PrintToString(shape);
    const auto none = parse_request(as_bytes(payload_of(request_meta("digits", 0, shape), "")));
    EXPECT_FALSE(none) << testing::PrintToString(shape);
  }
  expect_refused(payload_of(request_meta("digits", 0, shapes.back()), kTwoFloats),
                 "shape has more entries than are allowed");
  EXPECT_EQ(elements_of({1, 1, 1, 1, 1, 1, 1, 2}), 2u);
  EXPECT_EQ(elements_of({static_cast<std::int64_t>(kMaxPredictData)}), kMaxPredictData);
  EXPECT_EQ(elements_of({2, static_cast<std::int64_t>(kMaxPredictData)}), 0u);
}

TEST(AQuestion, IsRefusedWithMoreDataThanIsAllowed) {
  expect_refused(payload_of(request_meta("digits", 2, {}), std::string(kMaxPredictData + 1, 'x')),
                 "found 8388609 bytes of data; allowed are 8388608");
}

PredictReply sample_reply() {
  return {.by_cloud = true,
          .hard = true,
          .fallback = true,
          .score = 0.75,
          .version = 3,
          .total_us = 4,
          .wire_us = 5,
          .queue_us = 6,
          .compute_us = 7};
}

Result<PredictReplyView> through_the_wire(const PredictReply& reply, Bytes data,
                                          std::string& frame) {
  frame = frame_reply(1, 2, reply, data);
  const auto view = check_frame(frame, kPredictLimit);
  if (!view) return fail(view.error());
  EXPECT_EQ(view->header.type, Type::predict_reply);
  return parse_reply(view->payload);
}

TEST(AnAnswer, ComesThroughTheWireAsItWas) {
  const std::vector<float> outputs{0.25F, 0.5F, 0.25F};
  std::string frame;
  const auto got = through_the_wire(sample_reply(), std::as_bytes(std::span(outputs)), frame);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->meta.code, "");
  EXPECT_TRUE(got->meta.by_cloud && got->meta.hard && got->meta.fallback);
  EXPECT_EQ(got->meta.score, 0.75);
  EXPECT_EQ(got->meta.version, 3u);
  EXPECT_EQ(got->meta.total_us, 4u);
  EXPECT_EQ(got->meta.wire_us, 5u);
  EXPECT_EQ(got->meta.queue_us, 6u);
  EXPECT_EQ(got->meta.compute_us, 7u);
  ASSERT_EQ(got->data.size(), 3 * sizeof(float));
  EXPECT_EQ(std::memcmp(got->data.data(), outputs.data(), got->data.size()), 0);
}

TEST(AnAnswer, MayBeARefusalInWords) {
  std::string frame;
  const auto got = through_the_wire(
      {.code = "shape.mismatch", .message = "it has\t\x1b[31m a shape"}, {}, frame);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->meta.code, "shape.mismatch");
  EXPECT_EQ(got->meta.message, "it has\t?[31m a shape");
  EXPECT_TRUE(got->data.empty());
}

TEST(AnAnswer, IsCutWhereItsMessageIsALongStory) {
  std::string frame;
  const auto got =
      through_the_wire({.code = "model.failed", .message = std::string(1 << 20, 'm')}, {}, frame);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->meta.message, std::string(1000, 'm'));
}

TEST(AnAnswer, MayHaveAScoreThatIsNoNumber) {
  PredictReply reply = sample_reply();
  reply.score = std::nan("");
  std::string frame;
  const auto got = through_the_wire(reply, {}, frame);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_TRUE(std::isnan(got->meta.score));
}

TEST(AnAnswer, IsARowOfWholeFloats) {
  std::string frame;
  const auto got = through_the_wire(sample_reply(), as_bytes("12345"), frame);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().field, "data");
  EXPECT_THAT(got.error().text(), HasSubstr("is no row of float32"));
}

TEST(AnAnswer, HasACodeInPrintableCharacters) {
  std::string frame;
  EXPECT_FALSE(through_the_wire({.code = "new\nline"}, {}, frame));
  EXPECT_FALSE(through_the_wire({.code = std::string(201, 'c')}, {}, frame));
}

TEST(AnAnswer, IsRefusedCutShortAndReadFromWhereverItLies) {
  const std::vector<float> outputs{0.25F, 0.75F};
  const std::string frame = frame_reply(1, 2, sample_reply(), std::as_bytes(std::span(outputs)));
  const std::string payload = frame.substr(kHeaderSize);
  for (std::size_t size = 0; size < payload.size() - 8; ++size)
    EXPECT_FALSE(parse_reply(as_bytes(std::string_view(payload).substr(0, size)))) << size;
  for (std::size_t shift = 0; shift < 16; ++shift) {
    const std::string moved = std::string(shift, 'x') + payload;
    const auto got = parse_reply(as_bytes(std::string_view(moved).substr(shift)));
    ASSERT_TRUE(got) << got.error().text();
    EXPECT_EQ(got->data.size(), 8u);
    EXPECT_EQ(got->meta.version, 3u);
  }
}

}  // namespace
}  // namespace skerry::wire
