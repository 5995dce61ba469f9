// Questions of edges to the cloud's workers, over TCP with keys.
#include "core/serving/cloud_relay.hpp"

#include <algorithm>
#include <numeric>

#include "tests/unit/serving/relay_support.hpp"

namespace skerry::serving {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CloudRelayTest : public RelayTest {
 protected:
  CloudRelayTest() { start_cloud(); }

  // Its first question has come back: a connection takes a moment.
  std::unique_ptr<FakeNode> connected(const wire::KeyPair& key) {
    auto fresh = node(key);
    fresh->ask(0, question("nothing"));
    EXPECT_EQ(fresh->next().first, 0u);
    return fresh;
  }
  // Asks until it is told that: what is reserved and released takes a moment to be known.
  bool told(FakeNode& by, const std::string& code) {
    return eventually([&] {
      by.ask(++told_);
      return by.next().second.code == code;
    });
  }
  std::uint64_t told_ = 10'000;
};

// ---- all the way

TEST_F(CloudRelayTest, AQuestionOfAnEdgesWorkerGoesToTheCloudsAndItsAnswerBack) {
  auto asker = edge_worker();
  auto answerer = cloud_worker(4);
  connect_edge();
  await_cloud(*asker, *answerer);
  asker->ask_cloud(1);
  asker->ask_cloud(2);
  const Frame one = answerer->next_question(), two = answerer->next_question();
  EXPECT_EQ(one.header.session, asker->session);
  EXPECT_EQ(as_text(wire::parse_request(one.payload)->data), "abcd");
  answerer->answer(two, 4);
  answerer->answer(one, 4);
  for (const std::uint64_t seq : {2u, 1u}) {
    const Frame reply = asker->next();
    EXPECT_EQ(reply.header.seq, seq);
    EXPECT_EQ(reply_of(reply).code, "");
    EXPECT_EQ(reply_of(reply).version, 4u);
  }
}

TEST_F(CloudRelayTest, AWorkerAsksInItsOwnNameOnly) {
  auto asker = edge_worker();
  auto answerer = cloud_worker();
  connect_edge();
  await_cloud(*asker, *answerer);
  asker->link().send(wire::frame_request(asker->session + 5, 1, question(), example()));
  const Frame reply = asker->next();
  EXPECT_EQ(reply.header.seq, 1u);
  EXPECT_EQ(reply_of(reply).code, "cloud.unavailable");
  EXPECT_FALSE(answerer->take());
}

TEST_F(CloudRelayTest, ABurstOfQuestionsIsPassedOnAndAnsweredWhole) {
  constexpr std::uint64_t kBurst = 200;
  auto asker = edge_worker();
  auto answerer = cloud_worker(1, 2048);
  connect_edge();
  await_cloud(*asker, *answerer);
  for (int round = 0; round < 5; ++round) {
    for (std::uint64_t seq = 1; seq <= kBurst; ++seq) asker->ask_cloud(seq);
    std::vector<Frame> asked;
    std::map<std::string, int> codes;
    while (asked.size() < kBurst) {
      if (auto refused = asker->take()) {
        ++codes[reply_of(*refused).code];
        break;
      }
      auto frame = answerer->next_within(std::chrono::milliseconds(100));
      if (frame) asked.push_back(std::move(*frame));
    }
    EXPECT_EQ(asked.size(), kBurst);
    EXPECT_TRUE(codes.empty()) << codes.begin()->first;
    for (const Frame& frame : asked) answerer->answer(frame);
    std::uint64_t answered = 0;
    while (asker->next_within(std::chrono::seconds(2))) {
      if (++answered == asked.size()) break;
    }
    EXPECT_EQ(answered, asked.size());
    if (HasFailure()) return;
  }
}

TEST_F(CloudRelayTest, AnEdgeIsToldThatTheCloudIsAwayAndAsksItAgainWhenItIsBack) {
  auto asker = edge_worker();
  {
    auto answerer = cloud_worker();
    connect_edge();
    await_cloud(*asker, *answerer);
  }
  const std::string endpoint = cloud->endpoint();
  cloud.reset();
  std::uint64_t seq = 0;
  ASSERT_TRUE(eventually([&] {
    asker->ask_cloud(++seq);
    const auto reply = asker->next_within(std::chrono::milliseconds(10));
    return reply && reply_of(*reply).code == "cloud.unavailable";
  }));
  start_cloud(endpoint);
  auto answerer = cloud_worker();
  const auto back = std::chrono::steady_clock::now();
  await_cloud(*asker, *answerer);
  EXPECT_LT(std::chrono::steady_clock::now() - back, std::chrono::seconds(5));
}

// ---- who may ask

TEST_F(CloudRelayTest, AStrangersKeyIsNotLetIn) {
  auto asker = edge_worker();
  auto answerer = cloud_worker();
  edge->connect(cloud->endpoint(), wire::new_key(), net.cloud.public_key);
  ASSERT_TRUE(net.refusals.take());
  asker->ask_cloud(1);
  EXPECT_EQ(reply_of(asker->next()).code, "cloud.unavailable");
  EXPECT_FALSE(answerer->take());
  // With its own key it is.
  connect_edge();
  await_cloud(*asker, *answerer);
}

TEST_F(CloudRelayTest, ANodeLearnsOfNoServiceThatItMayNotAsk) {
  access.replace({{"edge-1", "digits.7"}, {"edge-2", "letters.7"}});
  auto answerer = cloud_worker();
  auto one = connected(net.edge_1), two = connected(net.edge_2);
  two->ask(1, question("digits"));
  two->ask(2, question("nothing"));
  const auto barred = two->next(), unknown = two->next();
  EXPECT_EQ(barred.second.code, "service.unknown");
  EXPECT_EQ(unknown.second.code, "service.unknown");
  EXPECT_EQ(barred.second.message, unknown.second.message);
  EXPECT_TRUE(barred.second.by_cloud);

  one->ask(1);
  answerer->answer(answerer->next_question());
  EXPECT_EQ(one->next().second.code, "");

  access.replace({});
  one->ask(2);
  EXPECT_EQ(one->next().second.code, "service.unknown");
  EXPECT_FALSE(answerer->take());
}

TEST_F(CloudRelayTest, ANodeLearnsOfNoServiceThatItMayNotAskBeforeAWorkerIsReadyEither) {
  access.replace({{"edge-1", "digits.7"}});
  cloud->reserve(place());
  auto one = connected(net.edge_1), two = connected(net.edge_2);
  ASSERT_TRUE(told(*one, "cloud.unavailable"));
  two->ask(1);
  EXPECT_EQ(two->next().second.code, "service.unknown");
}

TEST_F(CloudRelayTest, ANodeThatWasTurnedOutIsHeardNoMore) {
  auto answerer = cloud_worker();
  auto one = connected(net.edge_1), two = connected(net.edge_2);
  const auto before = cloud->counters().malformed;
  cloud->turn_out("edge-2");
  ASSERT_TRUE(eventually([&] {
    two->ask(5);
    return cloud->counters().malformed > before;
  }));
  while (const auto frame = answerer->take())
    EXPECT_EQ(frame->header.session, two->session);  // of before
  one->session = 78;
  one->ask(1);
  Frame asked = answerer->next_question();
  while (asked.header.session == two->session) asked = answerer->next_question();
  answerer->answer(asked);
  EXPECT_EQ(one->next().second.code, "");
}

TEST_F(CloudRelayTest, WhatIsNoQuestionIsCountedAndChangesNothing) {
  auto answerer = cloud_worker();
  auto one = connected(net.edge_1);
  one->send("no frame");
  one->send(wire::frame({wire::Type::ping}));  // a greeting, and no fault
  one->send(wire::frame({wire::Type::pong, 1, 1}));
  one->send(wire::frame(0, 0, 0, wire::TakeSeat{ticket, 1, 1}));
  one->send(wire::frame_reply(one->session, 1, {}, {}));
  one->send(wire::frame({wire::Type::retire, 1, 1}));
  one->ask(1);
  answerer->answer(answerer->next_question());
  EXPECT_EQ(one->next().first, 1u);
  EXPECT_EQ(cloud->counters().malformed, 5u);

  wire::PredictRequest wrong = question();
  wrong.shape = {5};
  one->ask(2, wrong);
  const auto [seq, reply] = one->next();
  EXPECT_EQ(seq, 2u);
  EXPECT_EQ(reply.code, "request.malformed");
  EXPECT_EQ(cloud->counters().malformed, 6u);
  EXPECT_FALSE(answerer->take());
}

TEST_F(CloudRelayTest, AFrameOverTheLimitCostsItsSenderTheConnectionAndOthersNothing) {
  auto answerer = cloud_worker();
  auto one = connected(net.edge_1), two = connected(net.edge_2);
  two->send(std::string(wire::kPredictLimit + 65, 'x'));
  one->ask(1);
  answerer->answer(answerer->next_question());
  EXPECT_EQ(one->next().second.code, "");
  // libzmq connects it again by itself.
  two->session = 79;
  ASSERT_TRUE(eventually([&] {
    two->ask(1);
    return answerer->next_within(std::chrono::milliseconds(20)).has_value();
  }));
}

// ---- in its turn

TEST_F(CloudRelayTest, WithoutAWorkerAServiceIsUnknownOrUnavailable) {
  auto one = connected(net.edge_1);
  one->ask(1);
  EXPECT_EQ(one->next().second.code, "service.unknown");
  EXPECT_EQ(cloud->counters().refused, 2u);  // and the one that made the connection
  const auto number = cloud->reserve(place());
  ASSERT_TRUE(told(*one, "cloud.unavailable"));
  one->ask(2);
  EXPECT_THAT(one->next().second.message, HasSubstr("no worker of this service is ready"));
  cloud->release(number);
  EXPECT_TRUE(told(*one, "service.unknown"));
}

TEST_F(CloudRelayTest, WhoAskedAWorkerThatEndsIsToldAndTheOtherTakesWhatWaits) {
  auto first = cloud_worker(1, 1, 0);
  const auto gone = ticket;
  auto one = connected(net.edge_1);
  one->ask(1);
  first->next_question();
  one->ask(2);  // waits, and is there when what was asked later is answered
  one->ask(3, question("nothing"));
  EXPECT_EQ(one->next().first, 3u);
  cloud->release(gone);
  const auto [seq, reply] = one->next();
  EXPECT_EQ(seq, 1u);
  EXPECT_EQ(reply.code, "cloud.unavailable");
  EXPECT_THAT(reply.message, HasSubstr("ended"));
  auto second = cloud_worker(1, 1, 0);
  const auto begin = std::chrono::steady_clock::now();
  const Frame asked = second->next_question();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(500));
  EXPECT_EQ(asked.header.seq, 2u);
  second->answer(asked);
  EXPECT_EQ(one->next().second.code, "");
}

// Its host takes a moment to notice, and what it had in hand is told then.
TEST_F(CloudRelayTest, AWorkerThatIsGoneDoesNotTakeTheQuestionsOfThoseThatAreThere) {
  auto first = cloud_worker(1, 16, 0);
  const auto gone = ticket;
  auto second = cloud_worker(1, 16, 1);
  auto one = connected(net.edge_1);
  first.reset();
  std::map<std::string, int> codes;
  int lost = 0;
  for (std::uint64_t seq = 1; seq <= 60; ++seq) {
    one->ask(seq);
    one->ask(1000 + seq, question("nothing"));
    std::uint64_t told = 0;
    while (told != 1000 + seq) {  // what was asked before has been given to somebody, or refused
      const auto [number, reply] = one->next();
      told = number;
      if (number == seq) ++codes[reply.code];
    }
    if (codes[""] + lost + codes["cloud.unavailable"] == static_cast<int>(seq)) continue;
    if (const auto asked = second->next_within(std::chrono::milliseconds(200))) {
      second->answer(*asked);
      ++codes[one->next().second.code];
    } else {
      ++lost;
    }
  }
  EXPECT_EQ(codes["cloud.unavailable"], 0) << codes[""] << " answered, " << lost << " lost";
  EXPECT_GT(codes[""], 40);
  cloud->release(gone);
  for (int i = 0; i < lost; ++i) EXPECT_EQ(one->next().second.code, "cloud.unavailable");
}

TEST_F(CloudRelayTest, ANodeHasNoMoreQuestionsWaitingThanItMayAndOthersStillHaveTheirs) {
  auto answerer = cloud_worker(1, 1);
  auto one = connected(net.edge_1), two = connected(net.edge_2);
  one->ask(1);
  const Frame held = answerer->next_question();
  for (std::uint64_t seq = 2; seq <= 258; ++seq) one->ask(seq);
  const auto [seq, reply] = one->next();
  EXPECT_EQ(seq, 258u);
  EXPECT_EQ(reply.code, "overloaded");
  two->session = 78;
  two->ask(1);
  answerer->answer(held);
  EXPECT_EQ(one->next().first, 1u);
  // Of the two the other has its turn after one question of the first.
  std::vector<std::uint64_t> sessions;
  for (int i = 0; i < 4; ++i) {
    const Frame asked = answerer->next_question();
    sessions.push_back(asked.header.session);
    answerer->answer(asked);
  }
  EXPECT_TRUE(std::count(sessions.begin(), sessions.end(), two->session) == 1);
}

TEST_F(CloudRelayTest, TwoNodesGetEqualTurnsWhenOneFloods) {
  auto answerer = cloud_worker(1, 1);
  auto flooding = connected(net.edge_1), modest = connected(net.edge_2);
  modest->session = 78;
  flooding->ask(1);
  Frame asked = answerer->next_question();
  for (std::uint64_t seq = 2; seq <= 200; ++seq) flooding->ask(seq);
  for (std::uint64_t seq = 1; seq <= 20; ++seq) modest->ask(seq);
  // Both have something waiting from here on. What they sent is all at the relay when a later
  // question of each was refused.
  flooding->ask(300, question("nothing"));
  modest->ask(300, question("nothing"));
  EXPECT_EQ(flooding->next().first, 300u);
  EXPECT_EQ(modest->next().first, 300u);
  std::map<std::uint64_t, int> turns;
  for (int i = 0; i < 40; ++i) {
    answerer->answer(asked);
    asked = answerer->next_question();
    ++turns[asked.header.session];
  }
  EXPECT_EQ(turns[78], 20);
  EXPECT_EQ(turns[77], 20);
}

TEST_F(CloudRelayTest, WhatIsTooOldInTheQueueIsToldSoAndNotPassedOn) {
  auto answerer = cloud_worker(1, 1);
  auto one = connected(net.edge_1);
  one->ask(1);
  const Frame held = answerer->next_question();
  one->ask(2, question("digits", 1000));
  one->ask(3);
  // No worker is free, and the asker is told nevertheless.
  const auto [seq, reply] = one->next();
  EXPECT_EQ(seq, 2u);
  EXPECT_EQ(reply.code, "deadline.exceeded");
  EXPECT_EQ(cloud->counters().expired, 1u);
  answerer->answer(held);
  EXPECT_EQ(one->next().first, 1u);
  EXPECT_EQ(answerer->next_question().header.seq, 3u);
}

TEST_F(CloudRelayTest, WhatWaitsForAWorkerThatNeverComesIsToldSo) {
  auto answerer = cloud_worker(1, 1);
  auto one = connected(net.edge_1);
  one->ask(1);
  answerer->next_question();
  one->ask(2, question("digits", 500'000));
  one->ask(3, question("nothing"));
  EXPECT_EQ(one->next().first, 3u);
  cloud->release(ticket);
  EXPECT_EQ(one->next().first, 1u);
  const auto [seq, reply] = one->next();
  EXPECT_EQ(seq, 2u);
  EXPECT_EQ(reply.code, "deadline.exceeded");
}

TEST_F(CloudRelayTest, AQuestionWithoutPatienceIsTooOldAtOnce) {
  auto answerer = cloud_worker();
  auto one = connected(net.edge_1);
  one->ask(1, question("digits", 0));
  EXPECT_EQ(one->next().second.code, "deadline.exceeded");
}

// What it has in hand is counted by their numbers: one that is given twice would count once.
TEST_F(CloudRelayTest, ANodeCannotFloodAWorkerWithOneNumber) {
  auto answerer = cloud_worker(1, 4);
  auto one = connected(net.edge_1), two = connected(net.edge_2);
  for (int i = 0; i < 100; ++i) one->ask(1);
  for (int i = 0; i < 99; ++i) {
    const auto [seq, reply] = one->next();
    EXPECT_EQ(seq, 1u);
    EXPECT_EQ(reply.code, "request.malformed");
    EXPECT_THAT(reply.message, HasSubstr("number"));
  }
  EXPECT_EQ(answerer->next_question().header.seq, 1u);
  two->session = 78;
  two->ask(1);
  EXPECT_EQ(answerer->next_question().header.session, 78u);
  EXPECT_FALSE(answerer->take());
}

TEST_F(CloudRelayTest, WorkersShareTheQuestions) {
  auto first = cloud_worker(1, 2, 0), second = cloud_worker(1, 2, 1);
  auto one = connected(net.edge_1);
  for (std::uint64_t seq = 1; seq <= 5; ++seq) one->ask(seq);
  std::vector<Frame> asked;
  for (FakeWorker* each : {first.get(), first.get(), second.get(), second.get()})
    asked.push_back(each->next_question());
  second->answer(asked.back());
  EXPECT_EQ(second->next_question().header.seq, 5u);
  EXPECT_EQ(cloud->counters().passed, 5u);
}

TEST_F(CloudRelayTest, ALaterVersionTakesOverAndTheOldAnswersWhatItHas) {
  auto old = cloud_worker(1, 8);
  auto one = connected(net.edge_1);
  one->ask(1);
  const Frame had = old->next_question();
  auto newer = cloud_worker(2, 8);
  EXPECT_EQ(old->next_type(), wire::Type::retire);
  one->ask(2);
  const Frame asked = newer->next_question();
  EXPECT_EQ(asked.header.seq, 2u);
  newer->answer(asked, 2);
  EXPECT_EQ(one->next().second.version, 2u);
  old->answer(had, 1);
  EXPECT_EQ(one->next().second.version, 1u);
  EXPECT_FALSE(old->take());
}

TEST_F(CloudRelayTest, AnAnswerThatNobodyAskedForGoesNowhere) {
  auto first = cloud_worker(1, 1, 0), second = cloud_worker(1, 1, 1);
  auto one = connected(net.edge_1);
  one->ask(1);
  one->ask(2);
  const Frame a = first->next_question(), b = second->next_question();
  second->answer(a, 666);
  FakeWorker stranger(path("cloud"));
  stranger.answer(b, 667);
  stranger.ask_cloud(1);
  first->answer(a, 1);
  second->answer(b, 1);
  second->answer(b, 668);
  EXPECT_EQ(one->next().second.version, 1u);
  EXPECT_EQ(one->next().second.version, 1u);
  one->ask(3, question("nothing"));
  EXPECT_EQ(one->next().first, 3u);
  EXPECT_FALSE(first->take() || second->take());
}

}  // namespace
}  // namespace skerry::serving
