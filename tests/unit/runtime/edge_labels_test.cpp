// What the cloud says of an edge's examples, kept for a later training.
#include <fmt/format.h>

#include <atomic>
#include <cmath>
#include <stdexcept>

#include "tests/unit/runtime/edge_service_support.hpp"

namespace skerry::runtime {
namespace {

using testing::ElementsAre;

class LabelsTest : public EdgeServiceTest {
 protected:
  LabelsTest() {
    settings.breaker.misses = 1000;
    payload.emplace(*coder, form.shape);
    labels.emplace(sink.opened(form), form, "digits", &*payload);
  }
  // One that was written, as a line.
  static std::string line_of(const Written& label) {
    std::string line = label.late ? "late" : "in time";
    for (const float value : label.floats) line += fmt::format(" {}", value);
    for (const std::uint8_t value : label.levels) line += fmt::format(" {}", value);
    for (const float value : label.outputs) line += fmt::format(" -> {}", value);
    return line + fmt::format(" ({})", label.label);
  }
  static std::vector<std::string> lines_of(const std::vector<Written>& labels) {
    std::vector<std::string> lines;
    for (const Written& each : labels) lines.push_back(line_of(each));
    return lines;
  }
  // So many of this size are kept at a time.
  static std::size_t room_for(std::size_t size) {
    const auto frame = wire::frame_request(
        FakeRelay::kAsker, 1,
        {.service = "digits", .patience_us = 1'500'000, .form = wire::Form::image},
        as_bytes(std::string(size, ' ')));
    return (std::size_t{64} << 20) / frame.size();
  }
  // Asks, and takes what goes to the cloud and what comes back from the edge.
  std::vector<FakeRelay::Frame> ask_large(const char* picture, std::size_t size,
                                          std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) relay.ask_encoded(i, padded(picture, size), 1'500'000);
    std::vector<FakeRelay::Frame> asked;
    for (std::size_t replies = 0; replies < count || asked.size() < count;) {
      auto frame = relay.next();
      if (!frame) break;
      if (frame->header.type == wire::Type::predict_request)
        asked.push_back(std::move(*frame));
      else
        ++replies;
    }
    EXPECT_EQ(asked.size(), count);
    return asked;
  }
};

TEST_F(LabelsTest, AnAnswerInTimeIsOne) {
  begin();
  relay.ask(7, kHard, 20'000'000, 1);
  wire::PredictReply cloud;
  cloud.version = 8;
  cloud.queue_us = 5;
  cloud.compute_us = 6;
  relay.answer(goes_up(), {0.875F, 0.125F}, cloud);
  const auto meta = relay.reply().reply().meta;
  const Written label = sink.expect(1).at(0);
  EXPECT_EQ(line_of(label), "in time 1 1 -> 0.875 -> 0.125 (1)");
  EXPECT_EQ(label.shape, form.shape);
  EXPECT_EQ(label.service, "digits");
  EXPECT_EQ(label.source + label.code + label.message + label.name, "");
  EXPECT_TRUE(std::isnan(label.seconds));
  EXPECT_TRUE(label.by_cloud && label.hard);
  EXPECT_FALSE(label.fallback);
  EXPECT_EQ(label.score, 1);
  EXPECT_EQ(label.version, 8u);
  EXPECT_GE(label.total_us, label.wire_us);
  EXPECT_EQ(label.wire_us, meta.wire_us);
  EXPECT_EQ(label.queue_us, 5u);
  EXPECT_EQ(label.compute_us, 6u);
  const auto& told = stop();
  EXPECT_EQ(told.labels_kept, 1u);
  EXPECT_EQ(told.labels_dropped, 0u);
}

TEST_F(LabelsTest, EachHasItsOwnExampleInTheFormInWhichItCame) {
  begin();
  relay.ask(1, {0, 1}, 20'000'000, 0);
  relay.ask(2, {1, 1});
  relay.ask_levels(3, {7, 255}, 20'000'000, 1);
  relay.ask_levels(4, {9, 254});
  relay.ask_encoded(5, "p24", 20'000'000, 1);
  relay.ask_encoded(6, "p34");
  std::vector<FakeRelay::Frame> asked;
  for (int i = 0; i < 6; ++i) asked.push_back(goes_up());
  for (std::size_t i = 6; i-- > 0;) {
    relay.answer(asked[i], {static_cast<float>(i), 0});
    EXPECT_EQ(relay.reply().header.seq, i + 1);
  }
  EXPECT_THAT(lines_of(sink.expect(6)),
              ElementsAre("in time 0.75 1 -> 5 -> 0 (-1)", "in time 0.5 1 -> 4 -> 0 (1)",
                          "in time 9 254 -> 3 -> 0 (-1)", "in time 7 255 -> 2 -> 0 (1)",
                          "in time 1 1 -> 1 -> 0 (-1)", "in time 0 1 -> 0 -> 0 (0)"));
}

TEST_F(LabelsTest, AnAnswerThatComesTooLateIsOne) {
  begin();
  relay.ask(1, {0, 1}, 200'000, 0);
  relay.ask_levels(2, {7, 255}, 200'000);
  relay.ask_encoded(3, "p24", 200'000, 1);
  std::vector<FakeRelay::Frame> asked;
  for (int i = 0; i < 3; ++i) asked.push_back(goes_up());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(relay.reply().reply().meta.fallback);
  for (std::size_t i = 3; i-- > 0;) relay.answer(asked[i], {static_cast<float>(i), 0});
  const auto written = sink.expect(3);
  EXPECT_THAT(lines_of(written),
              ElementsAre("late 0.5 1 -> 2 -> 0 (1)", "late 7 255 -> 1 -> 0 (-1)",
                          "late 0 1 -> 0 -> 0 (0)"));
  for (const Written& each : written) EXPECT_GE(each.total_us, 150'000u);
  EXPECT_EQ(stop().late, 3u);
}

TEST_F(LabelsTest, WhatAnAuditSaysIsOne) {
  settings.audit = 1;
  begin();
  relay.ask(1, {0, 0}, 20'000'000, 0);
  EXPECT_EQ(relay.reply().header.seq, 1u);
  const auto one = goes_up();
  relay.ask_levels(2, {7, 0});
  EXPECT_EQ(relay.reply().header.seq, 2u);
  const auto other = goes_up();
  relay.answer(other, {0, 1});
  relay.answer(one, {1, 0});
  const auto written = sink.expect(2);
  EXPECT_THAT(lines_of(written),
              ElementsAre("in time 7 0 -> 0 -> 1 (-1)", "in time 0 0 -> 1 -> 0 (0)"));
  EXPECT_FALSE(written[0].hard);
  EXPECT_EQ(stop().audited, 2u);
}

TEST_F(LabelsTest, WhatTheCloudRefusesIsNone) {
  begin();
  relay.ask(1, kHard);
  refuse(goes_up(), "model.failed");
  relay.reply();
  relay.ask(2, kEasy);
  relay.reply();
  running.reset();
  EXPECT_TRUE(sink.written().empty());
  EXPECT_EQ(service->statistics().labels_kept + service->statistics().labels_dropped, 0u);
}

TEST_F(LabelsTest, NoneIsWrittenWhileAQuestionWaits) {
  std::vector<std::string> happened;  // on the service's thread
  model.model = [&](Floats row) {
    happened.push_back("answer");
    return class_of(row[0]);
  };
  sink.before_write = [&](const skerry_outcome&) { happened.push_back("write"); };
  begin_with_gate();
  happened.clear();  // of its trials
  gate.let(1);
  relay.ask(1, kHard);
  const auto asked = goes_up();
  relay.ask(2, kEasy);
  gate.wait_for(2);
  for (std::uint64_t seq = 3; seq <= 6; ++seq) relay.ask(seq, kEasy);
  relay.answer(asked, {0, 1});  // when this has come, they have too
  gate.open();
  sink.expect(1);
  running->stop();
  EXPECT_THAT(happened,
              ElementsAre("answer", "answer", "answer", "answer", "answer", "answer", "write"));
}

TEST_F(LabelsTest, WhatWaitsToBeWrittenIsWrittenAsSoonAsThereIsTime) {
  constexpr std::size_t kMany = 60;
  begin_with_gate();
  gate.let(kMany);
  std::vector<FakeRelay::Frame> asked;
  for (std::uint64_t seq = 1; seq <= kMany; ++seq) {
    relay.ask(seq, kHard);
    asked.push_back(goes_up());
  }
  relay.ask(100, kEasy);
  gate.wait_for(kMany + 1);
  for (const auto& each : asked) relay.answer(each, {0, 1});
  const auto begin = std::chrono::steady_clock::now();
  gate.open();
  sink.expect(kMany);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));
}

TEST_F(LabelsTest, ASinkThatFailsDisturbsNobodyAndMayHeal) {
  std::atomic<bool> full = true;
  sink.before_write = [&](const skerry_outcome&) {
    if (full) throw std::runtime_error("no space left on device");
  };
  begin();
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    relay.ask(seq, kHard);
    relay.answer(goes_up(), {0, 1});
    EXPECT_EQ(relay.reply().reply().meta.code, "");
    relay.ask(100 + seq, kEasy);
    EXPECT_EQ(relay.reply().reply().meta.code, "");
  }
  full = false;
  relay.ask(6, {0, 1});
  relay.answer(goes_up(), {0, 1});
  relay.reply();
  running->stop();
  // How many were tried before it healed is the scheduler's to say.
  const auto& told = service->statistics();
  EXPECT_EQ(told.labels_kept + told.labels_dropped, 6u);
  EXPECT_EQ(told.labels_kept, sink.written().size());
  EXPECT_EQ(line_of(sink.written().back()), "in time 0 1 -> 0 -> 1 (-1)");
}

TEST_F(LabelsTest, AtTheEndTheRestIsWrittenAndTheSinkIsClosed) {
  begin();
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    relay.ask(seq, kHard);
    relay.answer(goes_up(), {0, 1});
    relay.reply();
  }
  relay.retire();
  running->join();
  EXPECT_EQ(sink.written().size(), 20u);
  EXPECT_EQ(sink.closed, 1);
  EXPECT_EQ(service->statistics().labels_kept, 20u);
}

// Each round on other bytes, so that nothing is known of how long they take. What the first one did
// not give back would be missing in the second.
TEST_F(LabelsTest, ExamplesAreKeptWhileThereIsRoomAndGivenBackOnEveryWay) {
  begin();
  constexpr std::size_t kLarge = 7'000'000;
  std::size_t answered = 0, kept = 0, room = room_for(kLarge);
  const auto first = ask_large(kHardPicture, kLarge, room + 2);
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (i % 2 == 0) {
      refuse(first[i], "model.failed");  // nothing comes of it
      continue;
    }
    relay.answer(first[i], {0, 1});
    ++answered;
    kept += i < room;
  }
  sink.expect(kept);
  room = room_for(kLarge / 2);
  const auto again = ask_large(kHardPicture, kLarge / 2, room + 3);
  for (const auto& each : again) relay.answer(each, {0, 1});
  answered += again.size();
  kept += room;
  sink.expect(kept);
  // Each was taken by the cloud's next word, at the latest.
  const auto& told = stop();
  EXPECT_EQ(told.late, answered);
  EXPECT_EQ(told.labels_kept, kept);
  EXPECT_EQ(told.labels_dropped, answered - kept);
}

TEST_F(LabelsTest, ExamplesOfAuditsAreKeptWhileThereIsRoomToo) {
  settings.audit = 1;
  begin();
  constexpr std::size_t kLarge = 7'000'000;
  std::size_t kept = 0;
  for (const std::size_t size : {kLarge, kLarge / 2}) {
    const std::size_t room = room_for(size);
    const auto asked = ask_large(kEasyPicture, size, room + 2);
    for (const auto& each : asked) relay.answer(each, {0, 1});
    kept += room;
    sink.expect(kept);
  }
  const auto& told = stop();
  EXPECT_EQ(told.audited, kept + 4);
  EXPECT_EQ(told.labels_dropped, 4u);
}

}  // namespace
}  // namespace skerry::runtime
