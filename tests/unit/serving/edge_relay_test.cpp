// Questions of applications to the worker that serves, on one machine.
#include "core/serving/edge_relay.hpp"

#include <atomic>
#include <set>
#include <thread>

#include "core/wire/local_link.hpp"
#include "tests/unit/serving/relay_support.hpp"

namespace skerry::serving {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class EdgeRelayTest : public RelayTest {
 protected:
  std::uint64_t version_of(const std::string& service) {
    for (const Service& each : edge->services())
      if (each.name == service) return each.version;
    return ~0u;
  }
};

TEST_F(EdgeRelayTest, AQuestionGoesToTheWorkerAndItsAnswerBack) {
  auto worker = edge_worker(3);
  auto client = application();
  wire::PredictRequest request = question();
  request.label = 7;
  const auto id = client.ask(request, example());
  EXPECT_EQ(client.under_way(), 1u);

  const Frame asked = worker->next_question();
  const auto got = wire::parse_request(asked.payload);
  ASSERT_TRUE(got) << got.error().text();
  EXPECT_EQ(got->meta.label, 7);
  EXPECT_EQ(got->meta.patience_us, request.patience_us);
  EXPECT_EQ(as_text(got->data), "abcd");
  worker->answer(asked, 3, 0.25F);

  const auto answer = next(client);
  EXPECT_EQ(answer.id, id);
  EXPECT_EQ(answer.reply.code, "");
  EXPECT_EQ(answer.reply.version, 3u);
  EXPECT_THAT(answer.outputs, ElementsAre(0.25F));
  EXPECT_EQ(client.under_way(), 0u);
}

TEST_F(EdgeRelayTest, AnswersFindTheirAskersInWhateverOrderTheyCome) {
  auto worker = edge_worker();
  auto one = application(), two = application();
  const auto first = one.ask(question(), example());
  const auto second = one.ask(question(), example());
  std::vector<Frame> asked;
  for (int i = 0; i < 2; ++i) asked.push_back(worker->next_question());
  const auto third = two.ask(question(), example());
  asked.push_back(worker->next_question());
  for (std::size_t i = 3; i-- > 0;) worker->answer(asked[i], i);
  EXPECT_EQ(next(two).id, third);
  EXPECT_EQ(next(one).id, second);
  EXPECT_EQ(next(one).id, first);
}

TEST_F(EdgeRelayTest, AServiceThatNobodyHasIsUnknownAndThoseThatAreThereAreNamed) {
  auto client = application();
  auto answer = ask(client, question("letters"));
  EXPECT_EQ(answer.reply.code, "service.unknown");
  EXPECT_THAT(answer.reply.message, HasSubstr("no service `letters`; it has none"));
  auto worker = edge_worker();
  answer = ask(client, question("letters"));
  EXPECT_EQ(answer.reply.code, "service.unknown");
  EXPECT_THAT(answer.reply.message, HasSubstr("it has digits"));
}

TEST_F(EdgeRelayTest, AServiceIsUnavailableUntilItsWorkerIsReady) {
  EXPECT_THAT(edge->services(), IsEmpty());
  const auto number = edge->reserve(place(5));
  EXPECT_EQ(version_of("digits"), 0u);
  auto client = application();
  client::Answer answer;
  ASSERT_TRUE(eventually([&] {  // it takes a moment to be known
    answer = ask(client);
    return answer.reply.code == "service.unavailable";
  }));
  EXPECT_THAT(answer.reply.message, HasSubstr("not ready yet"));

  FakeWorker worker(path("edge"));
  worker.sit(number);
  ASSERT_TRUE(eventually([&] { return version_of("digits") == 5; }));
  client.ask(question(), example());
  worker.answer(worker.next_question());
  EXPECT_EQ(next(client).reply.code, "");

  edge->release(number);
  ASSERT_TRUE(eventually([&] { return edge->services().empty(); }));
  EXPECT_EQ(ask(client).reply.code, "service.unknown");
}

TEST_F(EdgeRelayTest, TheVersionThatIsToldIsTheLatestThatServes) {
  auto first = edge_worker(1, 8, 0), second = edge_worker(1, 8, 1);
  ASSERT_TRUE(eventually([&] { return version_of("digits") == 1; }));
  auto newer = edge_worker(2, 8, 0);
  EXPECT_TRUE(eventually([&] { return version_of("digits") == 2; }));
}

// What was reserved is told of whatever else happens until its worker is ready.
TEST_F(EdgeRelayTest, AReservationIsNotForgottenWhenOthersTakeTheirSeats) {
  constexpr std::size_t kMany = 64;
  for (int i = 0; i < 20 && !HasFailure(); ++i) {
    FakeWorker worker(path("edge"));
    std::vector<std::uint64_t> tickets{edge->reserve({"a.1", "a", 1, 0})};
    worker.ask_for_seat(tickets[0]);
    for (std::size_t k = 0; k < kMany; ++k) {
      const std::string name = "b" + std::to_string(k);
      tickets.push_back(edge->reserve({name + ".1", name, 1, 0}));
    }
    EXPECT_EQ(worker.next_type(), wire::Type::seated);
    ASSERT_TRUE(eventually([&] { return version_of("a") == 1; }));
    EXPECT_TRUE(eventually([&] { return edge->services().size() == 1 + kMany; }))
        << "some are forgotten, try " << i;
    for (const std::uint64_t each : tickets) edge->release(each);
    ASSERT_TRUE(eventually([&] { return edge->services().empty(); }));
  }
}

TEST_F(EdgeRelayTest, AMalformedQuestionIsToldSo) {
  auto worker = edge_worker();
  const auto link = wire::LocalLink::connect(path("edge")).value();
  wire::PredictRequest wrong = question();
  wrong.shape = {5};
  link->send(wire::frame_request(9, 1, wrong, example()));
  ASSERT_TRUE(link->wait(soon()));
  const Frame reply = *link->take();
  EXPECT_EQ(reply.header.session, 9u);
  EXPECT_EQ(reply.header.seq, 1u);
  EXPECT_EQ(reply_of(reply).code, "request.malformed");
  EXPECT_THAT(reply_of(reply).message, HasSubstr("found 4 bytes of data"));

  link->send(wire::frame({wire::Type::predict_request, 9, 2}, "no table at all"));
  ASSERT_TRUE(link->wait(soon()));
  EXPECT_EQ(reply_of(*link->take()).code, "request.malformed");
  EXPECT_FALSE(worker->take());
}

TEST_F(EdgeRelayTest, WhatIsNoFrameOrNoQuestionIsDropped) {
  auto worker = edge_worker();
  const auto link = wire::LocalLink::connect(path("edge")).value();
  link->send("no frame");
  link->send("");
  link->send(wire::frame({wire::Type::ping, 9, 1}));
  link->send(wire::frame({wire::Type::retire, 9, 1}));
  link->send(wire::frame({wire::Type::take_seat, 9, 1}, "no table"));
  std::string damaged = wire::frame_request(9, 2, question(), example());
  damaged.back() ^= 1;
  link->send(std::move(damaged));
  link->send(wire::frame_request(9, 3, question(), example()));
  EXPECT_EQ(worker->next_question().header.seq, 3u);
}

TEST_F(EdgeRelayTest, WhoAskedAWorkerThatEndsIsTold) {
  auto worker = edge_worker();
  auto client = application();
  const auto first = client.ask(question(), example());
  const auto second = client.ask(question(), example());
  worker->next_question();
  worker->next_question();
  edge->release(ticket);
  std::set<std::uint64_t> told;
  for (int i = 0; i < 2; ++i) {
    const auto answer = next(client);
    EXPECT_EQ(answer.reply.code, "worker.ended");
    EXPECT_THAT(answer.reply.message, HasSubstr("ask again"));
    told.insert(answer.id);
  }
  EXPECT_EQ(told, (std::set{first, second}));
}

TEST_F(EdgeRelayTest, WhatAWorkerHasInHandIsBounded) {
  auto worker = edge_worker(1, 2);
  auto client = application();
  const auto first = client.ask(question(), example());
  client.ask(question(), example());
  const Frame asked = worker->next_question();
  worker->next_question();
  auto answer = ask(client);
  EXPECT_EQ(answer.reply.code, "overloaded");
  EXPECT_THAT(answer.reply.message, HasSubstr("ask again"));
  worker->answer(asked);
  EXPECT_EQ(next(client).id, first);
  client.ask(question(), example());
  worker->next_question();
}

TEST_F(EdgeRelayTest, AnApplicationCannotFloodAWorkerWithOneNumber) {
  auto worker = edge_worker(1, 4);
  const auto link = wire::LocalLink::connect(path("edge")).value();
  for (int i = 0; i < 10; ++i) link->send(wire::frame_request(9, 1, question(), example()));
  for (int i = 0; i < 9; ++i) {
    ASSERT_TRUE(link->wait(soon()));
    EXPECT_EQ(reply_of(*link->take()).code, "request.malformed");
  }
  worker->answer(worker->next_question());
  ASSERT_TRUE(link->wait(soon()));
  EXPECT_EQ(reply_of(*link->take()).code, "");
  EXPECT_FALSE(worker->take());
}

TEST_F(EdgeRelayTest, TheLessBusyReplicaIsAsked) {
  auto one = edge_worker(1, 1, 0), two = edge_worker(1, 1, 1);
  auto client = application();
  client.ask(question(), example());
  client.ask(question(), example());
  const Frame first = one->next_question(), second = two->next_question();
  one->answer(first, 1);
  two->answer(second, 2);
  EXPECT_EQ(next(client).reply.version + next(client).reply.version, 3u);
}

TEST_F(EdgeRelayTest, AProcessWithoutATicketServesNothing) {
  auto worker = edge_worker();
  FakeWorker stranger(path("edge"));
  stranger.ask_for_seat(ticket + 1);
  stranger.ask_for_seat(ticket);  // taken
  stranger.ask_for_seat(0);
  auto client = application();
  client.ask(question(), example());
  const Frame asked = worker->next_question();
  stranger.answer(asked, 666);
  // Its own questions are those of an application: none goes to the cloud.
  stranger.ask_cloud(1);
  EXPECT_EQ(worker->next_question().header.session, stranger.session);
  worker->answer(asked, 1);
  EXPECT_EQ(next(client).reply.version, 1u);
  EXPECT_FALSE(stranger.take()) << "it was given a seat, or an answer";
}

TEST_F(EdgeRelayTest, AnAnswerToWhatAnotherWorkerWasAskedIsIgnored) {
  auto one = edge_worker(1, 1, 0);
  auto client = application();
  client.ask(question(), example());
  const Frame asked = one->next_question();
  auto two = edge_worker(1, 1, 1);
  two->answer(asked, 666);
  // Once it has answered this one, what it said before was seen.
  client.ask(question(), example());
  two->answer(two->next_question(), 2);
  EXPECT_EQ(next(client).reply.version, 2u);
  one->answer(asked, 1);
  EXPECT_EQ(next(client).reply.version, 1u);
  one->answer(asked, 667);  // and once is enough
  client.ask(question(), example());
  one->answer(one->next_question(), 3);
  EXPECT_EQ(next(client).reply.version, 3u);
}

TEST_F(EdgeRelayTest, AnAnswerToAnApplicationThatIsGoneIsDropped) {
  auto worker = edge_worker(1, 1);
  Frame asked;
  {
    auto gone = application();
    gone.ask(question(), example());
    asked = worker->next_question();
  }
  worker->answer(asked);
  auto client = application();
  // Its place in the worker's hand is free again.
  ASSERT_TRUE(eventually([&] {
    client.ask(question(), example());
    if (auto frame = worker->next_within(std::chrono::milliseconds(100))) {
      worker->answer(*frame);
      return next(client).reply.code.empty();
    }
    return next(client).reply.code.empty();
  }));
}

TEST_F(EdgeRelayTest, AFrameOverTheLimitCostsItsSenderTheConnectionAndOthersNothing) {
  auto worker = edge_worker();
  auto client = application();
  const auto link = wire::LocalLink::connect(path("edge")).value();
  link->send(
      wire::frame({wire::Type::predict_request, 9, 1}, std::string(wire::kPredictLimit, 'x')));
  client.ask(question(), example());
  worker->answer(worker->next_question());
  EXPECT_EQ(next(client).reply.code, "");
  // It may come back.
  ASSERT_TRUE(eventually([&] {
    link->send(wire::frame_request(9, 2, question(), example()));
    return worker->next_within(std::chrono::milliseconds(20)).has_value();
  }));
}

TEST_F(EdgeRelayTest, WithoutACloudAWorkerIsToldSoAtOnce) {
  auto worker = edge_worker();
  worker->ask_cloud(1);
  Frame reply = worker->next();
  EXPECT_EQ(reply.header.session, worker->session);
  EXPECT_EQ(reply.header.seq, 1u);
  EXPECT_EQ(reply_of(reply).code, "cloud.unavailable");

  // Nobody listens there.
  edge->connect("tcp://127.0.0.1:1", net.edge_1, net.cloud.public_key);
  worker->ask_cloud(2);
  reply = worker->next();
  EXPECT_EQ(reply.header.seq, 2u);
  EXPECT_EQ(reply_of(reply).code, "cloud.unavailable");
}

TEST_F(EdgeRelayTest, ASilentWorkersAskerIsToldByItsOwnSideWhenItsTimeIsUp) {
  auto worker = edge_worker();
  auto client = application();
  const auto begin = client::Client::Clock::now();
  const auto answer = ask(client, question("digits", 30'000));
  const auto took = client::Client::Clock::now() - begin;
  EXPECT_EQ(answer.reply.code, "deadline.exceeded");
  EXPECT_GE(took, std::chrono::milliseconds(30));
  EXPECT_EQ(client.under_way(), 0u);
  EXPECT_FALSE(client.due());
  // The answer that comes late is nobody's.
  worker->answer(worker->next_question());
  const auto id = client.ask(question(), example());
  worker->answer(worker->next_question());
  EXPECT_EQ(next(client).id, id);
}

// ---- one version takes the place of another

TEST_F(EdgeRelayTest, TheOldVersionHasItsQuestionsAndThenTheWordToRetire) {
  auto old = edge_worker(1);
  auto client = application();
  for (int i = 0; i < 10; ++i) client.ask(question(), example());
  auto other = application();
  other.ask(question(), example());
  std::vector<Frame> had;
  while (had.size() < 11) had.push_back(old->next_question());

  auto newer = edge_worker(2);
  for (int i = 0; i < 10; ++i) client.ask(question(), example());
  for (int i = 0; i < 10; ++i) newer->answer(newer->next_question(), 2);
  EXPECT_EQ(old->next_type(), wire::Type::retire);
  EXPECT_FALSE(old->take());

  for (const Frame& frame : had) old->answer(frame, 1);
  std::map<std::uint64_t, int> by_version;
  for (int i = 0; i < 20; ++i) ++by_version[next(client).reply.version];
  EXPECT_EQ(by_version, (std::map<std::uint64_t, int>{{1, 10}, {2, 10}}));
  EXPECT_EQ(next(other).reply.version, 1u);
  EXPECT_FALSE(old->take());
}

TEST_F(EdgeRelayTest, AnEarlierVersionThatComesLateIsSeatedAndRetiredAtOnce) {
  auto newer = edge_worker(2);
  auto late = edge_worker(1);
  EXPECT_EQ(late->next_type(), wire::Type::retire);
  auto client = application();
  client.ask(question(), example());
  newer->answer(newer->next_question(), 2);
  EXPECT_EQ(next(client).reply.version, 2u);
}

TEST_F(EdgeRelayTest, ASwapUnderLoadLosesNoQuestion) {
  constexpr int kQuestions = 2000;
  auto old = edge_worker(1), newer = std::make_unique<FakeWorker>(path("edge"));
  const auto later = edge->reserve(place(2));
  std::atomic<bool> done = false;
  std::atomic<int> answered = 0, after_retire = 0;
  std::atomic<bool> retired = false;
  const auto serve = [&](FakeWorker& worker, std::uint64_t version) {
    while (!done) {
      const auto frame = worker.next_within(std::chrono::milliseconds(20));
      if (!frame) continue;
      if (frame->header.type == wire::Type::retire) retired = true;
      if (frame->header.type != wire::Type::predict_request) continue;
      if (version == 1 && retired) ++after_retire;
      worker.answer(*frame, version);
    }
  };
  std::thread one([&] { serve(*old, 1); });
  std::thread two([&] {
    while (answered < 200) std::this_thread::yield();
    newer->ask_for_seat(later);
    serve(*newer, 2);
  });
  auto client = application();
  std::map<std::uint64_t, int> by_version;
  std::map<std::string, int> codes;
  int asked = 0;
  while (answered < kQuestions) {
    for (; asked < kQuestions && client.under_way() < 200; ++asked)
      client.ask(question(), example());
    const auto answer = client.next(soon());
    if (!answer) break;
    ++answered;
    ++by_version[answer->reply.version];
    ++codes[answer->reply.code];
  }
  done = true;
  one.join();
  two.join();
  EXPECT_EQ(codes, (std::map<std::string, int>{{"", kQuestions}}));
  EXPECT_GT(by_version[1], 0);
  EXPECT_GT(by_version[2], 0);
  EXPECT_TRUE(retired);
  EXPECT_EQ(after_retire, 0);
}

// A worker may show its ticket before the relay has come to look at what was reserved.
TEST_F(EdgeRelayTest, ATicketIsGoodFromTheMomentThatItIsGiven) {
  auto busy = edge_worker(1, 1, 99);
  std::atomic<bool> done = false;
  std::thread flood([&] {
    auto client = application();
    wire::PredictRequest large = question();
    const std::string data(1 << 20, 'x');
    large.shape = {1 << 20};
    while (!done) {
      while (client.under_way() < 64) client.ask(large, as_bytes(data));
      client.next(soon());
    }
  });
  for (std::uint64_t i = 1; i <= 200; ++i) {
    FakeWorker worker(path("edge"));
    const auto number = edge->reserve({"b." + std::to_string(i), "b", 1, 0});
    worker.ask_for_seat(number);
    const auto frame = worker.next_within(std::chrono::seconds(10));
    EXPECT_TRUE(frame && frame->header.type == wire::Type::seated) << "try " << i;
    edge->release(number);
    if (HasFailure()) break;
  }
  done = true;
  flood.join();
}

}  // namespace
}  // namespace skerry::serving
