// The edge's side of a service, over a real socket; the test is the asker and the cloud.
#include "core/runtime/serving/edge_service.hpp"

#include <atomic>
#include <limits>
#include <map>
#include <stdexcept>

#include "tests/unit/runtime/edge_service_support.hpp"

namespace skerry::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(EdgeServiceTest, AnswersWhatIsEasyItself) {
  begin();
  relay.ask(7, kEasy);
  const auto frame = relay.reply();
  EXPECT_EQ(frame.header.session, FakeRelay::kAsker);
  EXPECT_EQ(frame.header.seq, 7u);
  EXPECT_THAT(frame.outputs(), ElementsAre(0.25F, 0.75F));
  const auto meta = frame.reply().meta;
  EXPECT_EQ(meta.code, "");
  EXPECT_FALSE(meta.by_cloud || meta.hard || meta.fallback);
  EXPECT_EQ(meta.score, 0);
  EXPECT_EQ(meta.version, 3u);
  EXPECT_GE(meta.total_us, meta.compute_us);
  const auto& told = stop();
  EXPECT_EQ(told.requests, 1u);
  EXPECT_EQ(told.by_edge, 1u);
  EXPECT_EQ(told.hard + told.offloaded + told.by_cloud + told.fallbacks, 0u);
  EXPECT_EQ(told.total.total(), 1u);
}

TEST_F(EdgeServiceTest, AsksTheCloudWhatIsHardAndGivesItsAnswerOnce) {
  begin();
  relay.ask(7, kHard, 2'000'000, 1);
  const auto asked = goes_up();
  EXPECT_EQ(asked.request().meta.service, "digits");
  EXPECT_EQ(asked.request().meta.label, -1);
  EXPECT_EQ(asked.request().meta.shape, form.shape);
  EXPECT_LE(asked.request().meta.patience_us, 2'000'000u);
  EXPECT_GT(asked.request().meta.patience_us, 1'000'000u);
  ASSERT_EQ(asked.request().data.size(), 2 * sizeof(float));
  EXPECT_EQ(std::memcmp(asked.request().data.data(), kHard.data(), 2 * sizeof(float)), 0);

  wire::PredictReply cloud;
  cloud.version = 8;
  cloud.queue_us = 5;
  cloud.compute_us = 6;
  relay.answer(asked, {0.875F, 0.125F}, cloud);
  relay.answer(asked, {0, 1}, cloud);
  const auto frame = relay.reply();
  EXPECT_EQ(frame.header.seq, 7u);
  EXPECT_THAT(frame.outputs(), ElementsAre(0.875F, 0.125F));
  const auto meta = frame.reply().meta;
  EXPECT_TRUE(meta.by_cloud && meta.hard);
  EXPECT_FALSE(meta.fallback);
  EXPECT_EQ(meta.score, 1);
  EXPECT_EQ(meta.version, 8u);
  EXPECT_EQ(meta.queue_us, 5u);
  EXPECT_EQ(meta.compute_us, 6u);
  EXPECT_GE(meta.total_us, meta.wire_us);

  relay.ask(8, kEasy);
  EXPECT_EQ(relay.reply().header.seq, 8u) << "the answer was delivered twice";
  const auto& told = stop();
  EXPECT_EQ(told.hard, 1u);
  EXPECT_EQ(told.offloaded, 1u);
  EXPECT_EQ(told.by_cloud, 1u);
  EXPECT_EQ(told.by_edge, 1u);
  EXPECT_EQ(told.requests, 2u);
  EXPECT_EQ(told.missed + told.late, 0u);
  EXPECT_EQ(told.compared, 1u);
  EXPECT_EQ(told.disagreed, 1u);
}

TEST_F(EdgeServiceTest, AnAnswerOfTheCloudsToAnotherIsNotTaken) {
  begin();
  relay.ask(7, kHard);
  const auto asked = goes_up();
  wire::PredictReply reply;
  relay.send(wire::frame_reply(settings.session + 1, asked.header.seq, reply, {}));
  relay.send(wire::frame_reply(settings.session, asked.header.seq + 1, reply, {}));
  relay.send(wire::frame_reply(settings.session, asked.header.seq, reply, as_bytes("12345")));
  relay.ask(8, kEasy);
  EXPECT_EQ(relay.reply().header.seq, 8u);
  relay.answer(asked, {0, 1});
  EXPECT_EQ(relay.reply().header.seq, 7u);
}

TEST_F(EdgeServiceTest, FallsBackToItsOwnAnswerByTheDeadline) {
  settings.breaker.misses = 1000;
  begin();
  // Whether a busy machine is in time is the scheduler's to say: one that is late is followed by
  // another.
  constexpr std::uint32_t kPatience = 60'000;
  bool in_time = false;
  std::uint64_t tries = 0;
  while (!in_time && tries < 50) {
    const auto sent = std::chrono::steady_clock::now();
    relay.ask(++tries, kHard, kPatience);
    auto frame = relay.next();
    ASSERT_TRUE(frame);
    if (frame->header.type == wire::Type::predict_request) {
      frame = relay.reply();
      EXPECT_GE(std::chrono::steady_clock::now() - sent, milliseconds(50));
    }
    EXPECT_THAT(frame->outputs(), ElementsAre(0.25F, 0.75F));
    const auto meta = frame->reply().meta;
    EXPECT_TRUE(meta.fallback && meta.hard);
    EXPECT_FALSE(meta.by_cloud);
    EXPECT_EQ(meta.version, 3u);
    in_time = meta.total_us <= kPatience;
  }
  EXPECT_TRUE(in_time);
  const auto& told = stop();
  EXPECT_EQ(told.missed + told.spared, tries);
  EXPECT_EQ(told.fallbacks, tries);
  EXPECT_EQ(told.by_edge, tries);
}

TEST_F(EdgeServiceTest, WaitsAsLongAsTheServiceSaysWhereTheAskerSaysNothing) {
  settings.deadline = milliseconds(30);
  begin();
  relay.ask(7, kHard, 0);
  EXPECT_LE(goes_up().request().meta.patience_us, 30'000u);
  EXPECT_TRUE(relay.reply().reply().meta.fallback);
}

TEST_F(EdgeServiceTest, RefusesInPlaceOfFallingBackWhereTheJobSaysSo) {
  settings.fallback = false;
  begin();
  relay.ask(7, kHard, 20'000);
  goes_up();
  const auto frame = relay.reply();
  EXPECT_EQ(frame.reply().meta.code, "cloud.unavailable");
  EXPECT_TRUE(frame.outputs().empty());
  const auto& told = stop();
  EXPECT_EQ(told.refused, 1u);
  EXPECT_EQ(told.fallbacks + told.by_edge, 0u);
}

TEST_F(EdgeServiceTest, FallsBackAtOnceWhereTheCloudIsAway) {
  begin();
  relay.ask(7, kHard, 20'000'000);
  const auto sent = std::chrono::steady_clock::now();
  refuse(goes_up(), "cloud.unavailable");
  EXPECT_TRUE(relay.reply().reply().meta.fallback);
  EXPECT_LT(std::chrono::steady_clock::now() - sent, std::chrono::seconds(5));
}

TEST_F(EdgeServiceTest, AsksNoCloudWhereThereIsNone) {
  settings.cloud = false;
  begin();
  relay.ask(7, kHard);
  const auto meta = relay.reply().reply().meta;
  EXPECT_TRUE(meta.hard);
  EXPECT_FALSE(meta.fallback) << "nobody was to help";
  const auto& told = stop();
  EXPECT_EQ(told.by_edge, 1u);
  EXPECT_EQ(told.spared + told.fallbacks + told.offloaded, 0u);
}

TEST_F(EdgeServiceTest, ALateAnswerIsComparedAndNotGivenTwice) {
  begin();
  relay.ask(7, kHard, 20'000);
  const auto asked = goes_up();
  EXPECT_TRUE(relay.reply().reply().meta.fallback);
  relay.answer(asked, {0.875F, 0.125F});
  relay.ask(8, kEasy);
  EXPECT_EQ(relay.reply().header.seq, 8u);
  const auto& told = stop();
  EXPECT_EQ(told.late, 1u);
  EXPECT_EQ(told.compared, 1u);
  EXPECT_EQ(told.disagreed, 1u);
  EXPECT_EQ(told.by_cloud, 0u);
}

// ---- when the cloud is left alone

TEST_F(EdgeServiceTest, LeavesACloudAloneThatIsAwayAndProbesItNowAndThen) {
  settings.breaker = {
      .misses = 3, .first_probe = milliseconds(50), .longest_pause = milliseconds(100)};
  begin();
  std::uint64_t seq = 0;
  for (int i = 0; i < 3; ++i) {
    relay.ask(++seq, kHard);
    refuse(goes_up(), "cloud.unavailable");
    EXPECT_TRUE(relay.reply().reply().meta.fallback);
  }
  // From here on the edge answers alone, but for a probe after a pause.
  int alone = 0;
  FakeRelay::Frame probe;
  for (const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
       std::chrono::steady_clock::now() < limit;) {
    relay.ask(++seq, kHard);
    auto frame = relay.next();
    ASSERT_TRUE(frame);
    if (frame->header.type == wire::Type::predict_request) {
      probe = std::move(*frame);
      break;
    }
    EXPECT_TRUE(frame->reply().meta.fallback);
    ++alone;
  }
  EXPECT_GT(alone, 0);
  // One probe at a time.
  relay.ask(++seq, kHard);
  EXPECT_TRUE(relay.reply().reply().meta.fallback);
  relay.answer(probe, {0, 1});
  EXPECT_TRUE(relay.reply().reply().meta.by_cloud);
  // It answers: it is asked again.
  relay.ask(++seq, kHard);
  relay.answer(goes_up(), {0, 1});
  EXPECT_TRUE(relay.reply().reply().meta.by_cloud);
  const auto& told = stop();
  EXPECT_EQ(told.spared, static_cast<std::uint64_t>(alone) + 1);
  EXPECT_EQ(told.missed, 3u);
  EXPECT_EQ(told.breaker, 0);
}

TEST_F(EdgeServiceTest, WhatIsWrongWithAQuestionSaysNothingOfTheCloud) {
  begin();
  for (std::uint64_t seq = 1; seq <= 10; ++seq) {
    relay.ask(seq, kHard);
    refuse(goes_up(), "model.failed");
    EXPECT_TRUE(relay.reply().reply().meta.fallback);
  }
  EXPECT_EQ(stop().missed, 0u);
}

TEST_F(EdgeServiceTest, DoesNotSendWhatTheLinkIsTooSlowFor) {
  settings.seed = 1;
  begin();
  // It takes 80 ms, as the first answers say.
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    relay.ask(seq, kHard, 20'000'000);
    const auto asked = goes_up();
    std::this_thread::sleep_for(milliseconds(80));  // what it takes
    relay.answer(asked, {0, 1});
    EXPECT_TRUE(relay.reply().reply().meta.by_cloud);
  }
  int alone = 0, sent = 0;
  for (std::uint64_t seq = 10; seq < 74; ++seq) {
    relay.ask(seq, kHard, 30'000);
    auto frame = relay.next();
    ASSERT_TRUE(frame);
    if (frame->header.type == wire::Type::predict_request) {
      ++sent;
      relay.answer(*frame, {0, 1});  // it has become faster
      EXPECT_TRUE(relay.reply().reply().meta.by_cloud);
    } else {
      ++alone;
    }
  }
  EXPECT_GT(alone, 20) << "nothing was spared";
  EXPECT_EQ(stop().missed, 0u);
}

// ---- what is kept while the cloud is asked

TEST_F(EdgeServiceTest, AnswersEachFromItsOwnExampleWhenItHasToAfterAll) {
  strategy.strategy = cloud_only;
  begin();
  for (std::uint64_t seq = 1; seq <= 6; ++seq) {
    relay.ask(seq, {static_cast<float>(seq % 2), 1}, 60'000);
    goes_up();
  }
  for (int i = 0; i < 6; ++i) {
    const auto frame = relay.reply();
    EXPECT_TRUE(frame.reply().meta.fallback);
    EXPECT_EQ(frame.outputs(), class_of(static_cast<float>(frame.header.seq % 2)));
  }
  EXPECT_EQ(stop().compute.total(), 6u);
}

TEST_F(EdgeServiceTest, ManyAreUnderWayAtOnceAndEachHasItsAnswer) {
  begin();
  constexpr std::uint64_t kMany = 200;
  for (std::uint64_t seq = 1; seq <= kMany; ++seq)
    relay.ask(seq, {static_cast<float>(seq % 2), static_cast<float>(seq % 3 == 0)});
  std::map<std::uint64_t, FakeRelay::Frame> answers;
  std::vector<FakeRelay::Frame> held;
  while (answers.size() < kMany) {
    auto frame = relay.next();
    ASSERT_TRUE(frame) << answers.size();
    if (frame->header.type == wire::Type::predict_reply) {
      const std::uint64_t seq = frame->header.seq;
      EXPECT_TRUE(answers.emplace(seq, std::move(*frame)).second);
    } else {
      held.push_back(std::move(*frame));
    }
    if (held.size() < 10 && answers.size() + held.size() < kMany) continue;
    for (auto it = held.rbegin(); it != held.rend(); ++it) {
      float value = 0;
      std::memcpy(&value, it->request().data.data(), sizeof value);
      relay.answer(*it, class_of(value));
    }
    held.clear();
  }
  for (const auto& [seq, frame] : answers) {
    EXPECT_EQ(frame.outputs(), class_of(static_cast<float>(seq % 2)));
    EXPECT_EQ(frame.reply().meta.by_cloud, seq % 3 == 0) << seq;
  }
  EXPECT_EQ(stop().by_cloud, kMany / 3);
}

TEST_F(EdgeServiceTest, AModelThatTakesLongStillLeavesTheCloudItsTime) {
  strategy.strategy = cloud_only;
  model.model = [](Floats row) {
    if (row[1] > 0.5F) std::this_thread::sleep_for(milliseconds(300));  // what it takes
    return class_of(row[0]);
  };
  begin();
  relay.ask(1, kHard, 2'000'000);
  refuse(goes_up(), "model.failed");
  EXPECT_TRUE(relay.reply().reply().meta.fallback);  // so that it knows how long it takes itself
  // Twice that is longer than this asker waits.
  relay.ask(2, kHard, 500'000);
  relay.answer(goes_up(), {0, 1});
  EXPECT_TRUE(relay.reply().reply().meta.by_cloud);
  EXPECT_EQ(stop().missed, 0u);
}

// ---- a model that takes long

class SlowEdgeTest : public EdgeServiceTest {};

// Answers fall due while the model is busy with another question, and questions come while it is.
TEST_F(SlowEdgeTest, NoFallbackIsLateBecauseTheModelIsBusyWithAnother) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kTakes = milliseconds(20), kLate = milliseconds(5);
  constexpr std::uint64_t kQuestions = 16;
  settings.breaker.misses = 1000;
  model.before_predict = [&](std::size_t) { std::this_thread::sleep_for(kTakes); };
  // Two at a time, the second while the first is answered.
  const auto sent_after = [](std::uint64_t seq) {
    return milliseconds(45 * (seq / 2) + 3 * (seq % 2));
  };
  // Each waits longer than it was waited for the ones before: none is spared for their sake.
  const auto patience_of = [](std::uint64_t seq) { return milliseconds(100 + 10 * seq); };
  // Whether a busy machine is in time is the scheduler's to say.
  int late = -1;
  for (int tries = 0; late != 0 && tries < 50; ++tries) {
    running.reset();
    begin();
    late = 0;
    std::vector<Clock::time_point> sent;
    const auto start = Clock::now();
    for (std::uint64_t answers = 0; answers < kQuestions;) {
      const std::uint64_t seq = sent.size();
      auto wait = milliseconds(30'000);
      if (seq < kQuestions) {
        wait = std::chrono::ceil<milliseconds>(start + sent_after(seq) - Clock::now());
        if (wait.count() <= 0) {
          sent.push_back(Clock::now());
          relay.ask(seq, kHard, static_cast<std::uint32_t>(1000 * patience_of(seq).count()));
          continue;
        }
      }
      const auto frame = relay.next(wait);
      if (!frame && seq < kQuestions) continue;
      ASSERT_TRUE(frame);
      if (frame->header.type == wire::Type::predict_request) continue;  // to a cloud that is silent
      ++answers;
      EXPECT_TRUE(frame->reply().meta.fallback);
      const auto number = frame->header.seq;
      late += Clock::now() - sent.at(number) > patience_of(number) + kLate;
    }
  }
  EXPECT_EQ(late, 0);
}

// Whatever has come when the model is free again is delivered as what it is, even where its time is
// up by then.
TEST_F(SlowEdgeTest, WhatTheCloudSaysWhileTheModelIsBusyIsDeliveredInPlaceOfTheFallback) {
  begin_with_gate();
  gate.let(1);
  relay.ask(1, kHard, 300'000);
  const auto asked = goes_up();
  relay.ask(2, kEasy);
  gate.wait_for(2);
  relay.answer(asked, {0.875F, 0.125F});
  std::this_thread::sleep_for(milliseconds(500));
  gate.let(2);
  EXPECT_EQ(relay.reply().header.seq, 2u);
  const auto frame = relay.reply();
  EXPECT_EQ(frame.header.seq, 1u);
  EXPECT_TRUE(frame.reply().meta.by_cloud);
  const auto& told = stop();
  EXPECT_EQ(told.by_cloud, 1u);
  EXPECT_EQ(told.missed + told.fallbacks + told.late, 0u);
}

TEST_F(SlowEdgeTest, WhatTheCloudSaysDuringAnothersFallbackIsDeliveredToo) {
  strategy.strategy = mine_then_infer;
  begin_with_gate();
  // Two to which the edge has no answer yet, and whose time is up while it is busy with a third.
  for (std::uint64_t seq = 1; seq <= 2; ++seq) relay.ask(seq, kHard, 300'000);
  const auto one = goes_up(), other = goes_up();
  EXPECT_LT(one.header.seq, other.header.seq);
  relay.ask(3, kEasy);
  gate.wait_for(1);
  std::this_thread::sleep_for(milliseconds(500));
  gate.let(1);
  EXPECT_EQ(relay.reply().header.seq, 3u);
  gate.wait_for(2);  // for the first one's fallback
  relay.answer(other, {0.875F, 0.125F});
  std::this_thread::sleep_for(milliseconds(200));  // what it takes to arrive
  gate.let(2);
  auto frame = relay.reply();
  EXPECT_EQ(frame.header.seq, 1u);
  EXPECT_TRUE(frame.reply().meta.fallback);
  gate.let(3);
  frame = relay.reply();
  EXPECT_EQ(frame.header.seq, 2u);
  EXPECT_TRUE(frame.reply().meta.by_cloud);
  EXPECT_EQ(stop().missed, 1u);
}

// To decode it takes as long as the model: the edge's own answer needs both.
TEST_F(SlowEdgeTest, AFallbackLeavesTimeToDecodeItsExample) {
  constexpr std::uint32_t kPatience = 200'000, kLate = 5'000;
  strategy.strategy = cloud_only;
  settings.breaker.misses = 1000;
  payload.emplace(*coder, form.shape);
  codec.decode = [](std::string_view encoded, std::span<float> example) {
    std::this_thread::sleep_for(milliseconds(40));
    read_picture(encoded, example);
  };
  bool in_time = false;
  for (int tries = 0; !in_time && tries < 30; ++tries) {
    running.reset();
    begin();
    relay.ask_encoded(1, kHardPicture, kPatience);
    goes_up();
    in_time = relay.reply().reply().meta.total_us <= kPatience + kLate;
  }
  EXPECT_TRUE(in_time);
}

TEST_F(SlowEdgeTest, QuestionsThatCameTogetherAreAnsweredInTheirOrder) {
  begin_with_gate();
  relay.ask(1, kEasy);
  gate.wait_for(1);
  for (std::uint64_t seq = 2; seq <= 20; ++seq) relay.ask(seq, kEasy);
  gate.open();
  for (std::uint64_t seq = 1; seq <= 20; ++seq) EXPECT_EQ(relay.reply().header.seq, seq);
}

TEST_F(SlowEdgeTest, ARetiredOneAnswersWhatItHasNotBegunYet) {
  begin_with_gate();
  relay.ask(1, kEasy);
  gate.wait_for(1);
  for (std::uint64_t seq = 2; seq <= 10; ++seq) relay.ask(seq, kEasy);
  relay.retire();
  gate.open();
  for (std::uint64_t seq = 1; seq <= 10; ++seq) EXPECT_EQ(relay.reply().header.seq, seq);
  running->join();
  EXPECT_EQ(service->statistics().requests, 10u);
}

// ---- labels and audits

TEST_F(EdgeServiceTest, CountsWhatIsRightWhereTheAskerKnows) {
  begin();
  relay.ask(1, {1, 0}, 20'000'000, 1);
  relay.reply();
  relay.ask(2, {1, 0}, 20'000'000, 0);
  relay.reply();
  relay.ask(3, {1, 1}, 20'000'000, 0);
  relay.answer(goes_up(), {0.875F, 0.125F});
  relay.reply();
  relay.ask(4, {1, 0});
  relay.reply();
  const auto& told = stop();
  EXPECT_EQ(told.labelled, 3u);
  EXPECT_EQ(told.right, 2u);
  EXPECT_EQ(told.edge_known, 3u);
  EXPECT_EQ(told.edge_right, 1u);
}

TEST_F(EdgeServiceTest, RefusesALabelThatIsNoneOfItsClasses) {
  begin();
  relay.ask(7, kEasy, 2'000'000, 2);
  const auto meta = relay.reply().reply().meta;
  EXPECT_EQ(meta.code, "label.mismatch");
  EXPECT_EQ(meta.message, "found the label 2; the classes of this service are 0 to 1");
  EXPECT_EQ(stop().labelled, 0u);
}

TEST_F(EdgeServiceTest, OfACascadeTheLastModelThatAnsweredIsTheEdges) {
  second_model.model = [](Floats row) { return class_of(1 - row[0]); };
  second = instance("estimator/1", second_model);
  strategy.strategy = cascade;
  filter.filter = [](Floats features, Floats predictions) -> Judgement {
    return {features[1], features[1] > 0 && predictions[1] > 0.5F};
  };
  begin();
  relay.ask(1, {1, 1}, 20'000'000, 0);  // the first finds it hard, the second says 0
  const auto frame = relay.reply();
  EXPECT_THAT(frame.outputs(), ElementsAre(0.75F, 0.25F));
  EXPECT_FALSE(frame.reply().meta.by_cloud);
  const auto& told = stop();
  EXPECT_EQ(told.labelled, 1u);
  EXPECT_EQ(told.right, 1u);
  EXPECT_EQ(told.edge_known, 1u);
  EXPECT_EQ(told.edge_right, 1u);
}

TEST_F(EdgeServiceTest, AnAuditAsksTheCloudAfterTheAnswerAndComparesTheTwo) {
  settings.audit = 1;
  begin();
  relay.ask(1, kEasy);
  EXPECT_EQ(relay.reply().header.seq, 1u);
  relay.answer(goes_up(), {0.875F, 0.125F});
  relay.ask(2, kEasy);
  EXPECT_EQ(relay.reply().header.seq, 2u);
  relay.answer(goes_up(), {0.25F, 0.75F});
  relay.ask(3, kEasy);
  EXPECT_EQ(relay.reply().header.seq, 3u);
  const auto third = goes_up();
  relay.retire();
  running->join();  // it does not wait for the audit
  const auto& told = service->statistics();
  EXPECT_EQ(told.audited, 2u);
  EXPECT_EQ(told.audit_disagreed, 1u);
  EXPECT_EQ(told.by_edge, 3u);
  EXPECT_EQ(told.by_cloud + told.offloaded + told.compared, 0u);
}

// ---- what is wrong

TEST_F(EdgeServiceTest, RefusesWhatIsNoQuestionOfIts) {
  begin();
  relay.ask(1, {1, 2, 3});
  EXPECT_EQ(relay.reply().reply().meta.code, "shape.mismatch");
  relay.ask_encoded(2, "png");
  const auto meta = relay.reply().reply().meta;
  EXPECT_EQ(meta.code, "type.mismatch");
  EXPECT_THAT(meta.message, HasSubstr("names no payload plugin"));
  relay.send(wire::frame({wire::Type::predict_request, FakeRelay::kAsker, 3}, "no table"));
  EXPECT_EQ(relay.reply().reply().meta.code, "request.malformed");
  relay.send("no frame");
  relay.send(wire::frame({wire::Type::ping}));
  relay.ask(4, kEasy);
  EXPECT_EQ(relay.reply().reply().meta.code, "");
  EXPECT_EQ(stop().refused, 3u);
}

TEST_F(EdgeServiceTest, AFailureOfAModelAFilterOrAStrategyCostsOneQuestion) {
  model.model = [](Floats row) {
    if (row[0] == 9) throw std::runtime_error("no such class");
    if (row[0] == 10) return std::vector<float>{std::numeric_limits<float>::quiet_NaN(), 0};
    return class_of(row[0]);
  };
  filter.filter = [](Floats features, Floats) -> Judgement {
    if (features[1] == 9) throw std::runtime_error("cannot say");
    if (features[1] == 10) return {std::numeric_limits<double>::infinity(), true};
    return {features[1], false};
  };
  begin();
  const std::vector<std::pair<std::vector<float>, std::string>> wrong = {{{9, 0}, "no such class"},
                                                                         {{10, 0}, "not finite"},
                                                                         {{0, 9}, "cannot say"},
                                                                         {{0, 10}, "not finite"}};
  for (const auto& [example, why] : wrong) {
    relay.ask(1, example);
    const auto meta = relay.reply().reply().meta;
    EXPECT_EQ(meta.code, "model.failed");
    EXPECT_THAT(meta.message, HasSubstr(why));
    relay.ask(2, kEasy);
    EXPECT_EQ(relay.reply().reply().meta.code, "");
  }
}

// Whatever a strategy does that its check did not show.
TEST_F(EdgeServiceTest, AFilterThatNeedsTheModelsAnswerIsNotAskedWithoutOne) {
  filter.needs = SKERRY_NEEDS_PREDICTIONS;
  strategy.strategy = mine_then_infer;
  begin();
  relay.ask(1, kEasy);
  const auto meta = relay.reply().reply().meta;
  EXPECT_EQ(meta.code, "model.failed");
  EXPECT_THAT(meta.message, HasSubstr("needs the model's answer"));
}

TEST_F(EdgeServiceTest, AStrategyThatGivesAStepThatIsNoneCostsTheQuestion) {
  const std::vector<skerry_step> steps = {
      {4, 0}, {SKERRY_STEP_PREDICT, 1}, {SKERRY_STEP_ANSWER, 0}, {~0u, ~0u}, kPredict};  // for ever
  std::atomic<std::size_t> at = 0;
  strategy.strategy = [&](const skerry_question&) { return steps[at]; };
  begin();
  for (at = 0; at < steps.size(); ++at) {
    relay.ask(at, kEasy);
    const auto meta = relay.reply().reply().meta;
    EXPECT_EQ(meta.code, "model.failed");
    EXPECT_THAT(meta.message, HasSubstr(at + 1 < steps.size() ? "a step that cannot be taken"
                                                              : "comes to no end"));
  }
  running.reset();
}

// ---- before it begins

TEST_F(EdgeServiceTest, IsCheckedForWhatItsStrategyWants) {
  EXPECT_TRUE(made().check());
  strategy.strategy = mine_then_infer;
  EXPECT_TRUE(made().check());
  filter.needs = SKERRY_NEEDS_PREDICTIONS;
  auto checked = made().check();
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().text(), HasSubstr("the filter of edge[0] needs the model's answer"));
  strategy.strategy = infer_then_mine;
  EXPECT_TRUE(made().check());
  filtered = false;
  checked = made().check();
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().text(), HasSubstr("give edge[0] one"));
  strategy.strategy = cloud_only;
  EXPECT_TRUE(made().check());
  strategy.strategy = [](const skerry_question&) { return kPredict; };
  EXPECT_THAT(made().check().error().text(), HasSubstr("comes to no end"));
  EXPECT_TRUE(model.batches.empty()) << "a check asks nothing in earnest";
}

TEST_F(EdgeServiceTest, IsCheckedBothWaysThatAQuestionCanGo) {
  // A fault that only hard questions meet.
  strategy.strategy = [](const skerry_question& question) {
    const skerry_step step = infer_then_mine(question);
    return step.action == SKERRY_STEP_ASK ? skerry_step{SKERRY_STEP_ASK, 7} : step;
  };
  EXPECT_FALSE(made().check());
}

TEST_F(EdgeServiceTest, AThresholdStandsInPlaceOfWhatTheFilterSays) {
  threshold = 0.25;
  begin();
  relay.ask(1, {1, 0.25F});
  goes_up();
  relay.ask(2, {1, 0.125F});
  EXPECT_FALSE(relay.reply().reply().meta.hard);
}

// ---- the end

TEST_F(EdgeServiceTest, ARetiredOneEndsAfterItsLastAnswer) {
  begin();
  relay.ask(1, kHard, 60'000'000);
  const auto asked = goes_up();
  relay.ask(2, kEasy);
  relay.retire();
  EXPECT_EQ(relay.reply().header.seq, 2u);
  relay.ask(3, kEasy);  // of before the relay heard
  EXPECT_EQ(relay.reply().header.seq, 3u);
  EXPECT_FALSE(running->ended());
  relay.answer(asked, {0, 1});
  EXPECT_EQ(relay.reply().header.seq, 1u);
  running->join();
  EXPECT_TRUE(running->ended());
  EXPECT_EQ(service->statistics().requests, 3u);
}

TEST_F(EdgeServiceTest, ARetiredOneWithNothingInHandEndsAtOnce) {
  begin();
  relay.ask(1, kHard, 20'000);
  goes_up();
  EXPECT_TRUE(relay.reply().reply().meta.fallback);
  relay.retire();  // the cloud's late answer is not waited for
  running->join();
  EXPECT_TRUE(running->ended());
}

TEST_F(EdgeServiceTest, TicksWhileNothingComes) {
  begin();
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (running->ticks() < 3 && std::chrono::steady_clock::now() < limit)
    std::this_thread::yield();
  EXPECT_GE(running->ticks(), 3);
}

}  // namespace
}  // namespace skerry::runtime
