// Examples as bytes: what comes encoded to an edge's side of a service, and what goes so to the
// cloud.
#include <algorithm>
#include <stdexcept>

#include "core/base/file.hpp"
#include "core/base/log.hpp"
#include "tests/unit/runtime/edge_service_support.hpp"

namespace skerry::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EncodedEdgeTest : public EdgeServiceTest {
 protected:
  EncodedEdgeTest() { payload.emplace(*coder, form.shape); }

  // A question that comes back after so long, and says so of its size.
  void be_slow(milliseconds time) {
    relay.ask(1000, kHard);
    const auto asked = goes_up();
    EXPECT_EQ(asked.request().meta.form, wire::Form::float32);
    std::this_thread::sleep_for(time);
    relay.answer(asked, {0, 1});
    EXPECT_TRUE(relay.reply().reply().meta.by_cloud);
  }
  struct Sent {
    int encoded = 0, as_they_are = 0, spared = 0;
  };
  // Hard questions to a cloud that answers at once.
  Sent ask_many(int count, std::uint32_t patience) {
    Sent sent;
    for (int i = 0; i < count; ++i) {
      relay.ask(static_cast<std::uint64_t>(i), kHard, patience);
      auto frame = relay.next();
      if (!frame || frame->header.type != wire::Type::predict_request) {
        ++sent.spared;
        continue;
      }
      ++(frame->request().meta.form == wire::Form::image ? sent.encoded : sent.as_they_are);
      relay.answer(*frame, {0, 1});
      EXPECT_TRUE(relay.reply().reply().meta.by_cloud);
    }
    return sent;
  }
};

TEST_F(EncodedEdgeTest, WhatComesEncodedIsDecodedForTheModel) {
  begin();
  relay.ask_encoded(1, kEasyPicture);
  EXPECT_THAT(relay.reply().outputs(), ElementsAre(0.25F, 0.75F));
  relay.ask_encoded(2, "p00");
  EXPECT_THAT(relay.reply().outputs(), ElementsAre(0.75F, 0.25F));
  EXPECT_EQ(stop().by_edge, 2u);
}

TEST_F(EncodedEdgeTest, BytesThatAreNoPictureCostOneQuestion) {
  begin();
  for (std::uint64_t seq = 1; seq <= 6; seq += 2) {
    relay.ask_encoded(seq, "a word");
    const auto meta = relay.reply().reply().meta;
    EXPECT_EQ(meta.code, "image.malformed");
    EXPECT_THAT(meta.message, HasSubstr("no picture"));
    relay.ask_encoded(seq + 1, kEasyPicture);
    EXPECT_EQ(relay.reply().reply().meta.code, "");
  }
  const auto& told = stop();
  EXPECT_EQ(told.refused, 3u);
  EXPECT_EQ(told.requests, 6u);
}

TEST_F(EncodedEdgeTest, WhatCameEncodedGoesToTheCloudAsItCame) {
  settings.always_encode = true;
  begin();
  const std::string picture = padded(kHardPicture, 100);
  relay.ask_encoded(1, picture);
  const auto asked = goes_up();
  EXPECT_EQ(asked.request().meta.form, wire::Form::image);
  EXPECT_EQ(as_text(asked.request().data), picture);
  relay.answer(asked, {0, 1});
  relay.reply();
  const auto& told = stop();
  EXPECT_EQ(told.encoded, 0u);
  EXPECT_EQ(told.bytes_up, 100u);
}

TEST_F(EncodedEdgeTest, AFallbackDecodesTheExampleAgain) {
  strategy.strategy = cloud_only;
  begin();
  relay.ask_encoded(1, "p44", 60'000);
  relay.ask_encoded(2, "p04", 60'000);
  goes_up();
  goes_up();
  for (int i = 0; i < 2; ++i) {
    const auto frame = relay.reply();
    EXPECT_TRUE(frame.reply().meta.fallback);
    EXPECT_EQ(frame.outputs(), class_of(frame.header.seq == 1 ? 1 : 0));
  }
}

TEST_F(EncodedEdgeTest, EncodesAllThatGoesToTheCloudWhereTheJobSaysSo) {
  settings.always_encode = true;
  settings.audit = 1;
  begin();
  relay.ask(1, kHard);
  auto asked = goes_up();
  EXPECT_EQ(asked.request().meta.form, wire::Form::image);
  EXPECT_TRUE(asked.request().meta.shape.empty());
  EXPECT_EQ(as_text(asked.request().data), kHardPicture);
  relay.answer(asked, {0.875F, 0.125F});
  EXPECT_THAT(relay.reply().outputs(), ElementsAre(0.875F, 0.125F));
  relay.ask_levels(2, {1, 255});
  asked = goes_up();
  EXPECT_EQ(as_text(asked.request().data), "p04");
  relay.answer(asked, {0, 1});
  relay.reply();
  relay.ask(3, kEasy);
  EXPECT_EQ(relay.reply().header.seq, 3u);
  EXPECT_EQ(as_text(goes_up().request().data), kEasyPicture);
  const auto& told = stop();
  EXPECT_EQ(told.encoded, 3u);
  EXPECT_EQ(told.bytes_up, 9u);
}

TEST_F(EncodedEdgeTest, ADifferentFormOfTheExampleIsForTheCloudAndNotForTheFallback) {
  settings.always_encode = true;
  codec.encode = [](Floats) { return std::string("p00"); };
  strategy.strategy = cloud_only;
  begin();
  relay.ask(1, kHard, 60'000);
  EXPECT_EQ(as_text(goes_up().request().data), "p00");
  EXPECT_THAT(relay.reply().outputs(), ElementsAre(0.25F, 0.75F));
}

TEST_F(EncodedEdgeTest, OverAFastLinkExamplesGoAsTheyAre) {
  begin();
  be_slow(milliseconds(1));
  const Sent sent = ask_many(30, 20'000'000);
  EXPECT_EQ(sent.as_they_are, 30);
  const auto& told = stop();
  EXPECT_EQ(told.encoded, 0u);
  EXPECT_EQ(told.bytes_up, 31 * 2 * sizeof(float));
}

TEST_F(EncodedEdgeTest, OverALinkThatWasSlowTheyGoEncoded) {
  settings.seed = 1;
  begin();
  be_slow(milliseconds(900));
  const Sent sent = ask_many(30, 1'000'000);
  EXPECT_GT(sent.encoded, 20);
  EXPECT_EQ(stop().encoded, static_cast<std::uint64_t>(sent.encoded));
}

// Or nobody would learn that it is fast again; and what goes so is not held back after all.
TEST_F(EncodedEdgeTest, OneInAWhileGoesAsItIsHoweverSlowTheLinkWas) {
  settings.seed = 1;
  begin();
  be_slow(milliseconds(1500));
  const Sent sent = ask_many(200, 1'000'000);
  EXPECT_GT(sent.as_they_are, 0);
  EXPECT_EQ(sent.spared, 0);
}

TEST_F(EncodedEdgeTest, WhatWouldNotBecomeSmallerGoesAsItIs) {
  codec.encode = [](Floats example) { return padded(picture_of(example), 2 * sizeof(float)); };
  begin();
  be_slow(milliseconds(600));
  const Sent sent = ask_many(10, 1'000'000);
  EXPECT_EQ(sent.as_they_are, 10);
  EXPECT_EQ(stop().encoded, 0u);
}

// It is on the way of the hard ones.
TEST_F(EncodedEdgeTest, AnAuditOverALinkThatWasSlowGoesEncoded) {
  settings.audit = 1;
  settings.seed = 1;
  begin();
  be_slow(milliseconds(600));
  int encoded = 0;
  for (std::uint64_t seq = 1; seq <= 10; ++seq) {
    relay.ask(seq, kEasy, 1'000'000);
    EXPECT_EQ(relay.reply().header.seq, seq);
    const auto asked = goes_up();
    encoded += asked.request().meta.form == wire::Form::image;
    relay.answer(asked, {0, 1});
  }
  EXPECT_GT(encoded, 5);
}

TEST_F(EncodedEdgeTest, WhatCannotBeEncodedGoesAsItIsAndIsToldOfOnce) {
  const TempDir dir = TempDir::create().value();
  const auto log = dir.path() / "log";
  ASSERT_TRUE(init_log({.name = "test", .file = log, .console = false}));
  settings.always_encode = true;
  for (const std::size_t size : {std::size_t{0}, wire::kMaxPredictData + 1}) {
    codec.encode = [&](Floats) { return std::string(size, 'p'); };
    begin();
    relay.ask(1, kHard);
    EXPECT_EQ(goes_up().request().meta.form, wire::Form::float32);
    running.reset();
  }
  codec.encode = [](Floats) -> std::string { throw Refused("four channels"); };
  begin();
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    relay.ask(seq, kHard);
    const auto asked = goes_up();
    EXPECT_EQ(asked.request().meta.form, wire::Form::float32);
    EXPECT_EQ(asked.request().meta.shape, form.shape);
    EXPECT_EQ(std::memcmp(asked.request().data.data(), kHard.data(), 2 * sizeof(float)), 0);
    relay.answer(asked, {0, 1});
    EXPECT_TRUE(relay.reply().reply().meta.by_cloud);
  }
  EXPECT_EQ(stop().encoded, 0u);
  ASSERT_TRUE(init_log({.name = "test", .level = "off"}));
  const std::string lines = read_file(log).value();
  EXPECT_THAT(lines, HasSubstr("goes to the cloud as it is: four channels"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3) << lines;
}

}  // namespace
}  // namespace skerry::runtime
