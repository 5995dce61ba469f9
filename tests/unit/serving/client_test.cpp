// An application's questions: each has one answer, by its time.
#include "core/client/client.hpp"

#include <poll.h>

#include "tests/unit/serving/relay_support.hpp"

namespace skerry::client {
namespace {

using serving::example;
using serving::question;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class ClientTest : public serving::RelayTest {
 protected:
  std::unique_ptr<serving::FakeWorker> worker = edge_worker();
  Client client = application();

  void answer_next(std::uint64_t version = 1) { worker->answer(worker->next_question(), version); }
};

TEST_F(ClientTest, FindsAHostByItsStateDirectory) {
  const auto state = dir.path() / "state";
  ASSERT_TRUE(std::filesystem::create_directories(state / "run"));
  const auto relay = serving::EdgeRelay::start(
                         net.edge_context, "ipc://" + (state / "run" / "requests.sock").string())
                         .value();
  auto found = Client::connect(state.string());
  ASSERT_TRUE(found) << found.error().text();
  EXPECT_EQ(ask(*found).reply.code, "service.unknown");
}

TEST_F(ClientTest, SaysWhereItLookedAndWhatToDoWhereThereIsNoHost) {
  const auto begin = Client::Clock::now();
  const auto none = Client::connect((dir.path() / "nothing").string());
  ASSERT_FALSE(none);
  EXPECT_LT(Client::Clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(none.error().code, Code::unavailable);
  EXPECT_THAT(none.error().text(),
              AllOf(HasSubstr("no edge host answers at ipc://" + dir.path().string() +
                              "/nothing/run/requests.sock"),
                    HasSubstr("start skerry-edge there")));
}

TEST_F(ClientTest, RefusesAnAddressThatIsNoneInWords) {
  for (const std::string& wrong : {std::string(), std::string("ipc://"), std::string(300, 'x')}) {
    const auto none = Client::connect(wrong);
    ASSERT_FALSE(none) << wrong;
    EXPECT_FALSE(none.error().text().empty());
  }
}

TEST_F(ClientTest, KeepsTheAnswersToOthersWhileItWaitsForOne) {
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(client.ask(question(), example()));
  for (std::uint64_t i = 1; i <= 4; ++i) answer_next(i);
  EXPECT_EQ(client.answer_to(ids[2]).reply.version, 3u);
  EXPECT_EQ(next(client).id, ids[0]);
  EXPECT_EQ(next(client).id, ids[1]);
  EXPECT_EQ(next(client).id, ids[3]);
  EXPECT_FALSE(client.next(Client::Clock::now()));
}

TEST_F(ClientTest, GivesAnAnswerThatItHasKeptWhenItIsAskedForThatOne) {
  const auto first = client.ask(question(), example()), second = client.ask(question(), example());
  answer_next(1);
  answer_next(2);
  EXPECT_EQ(client.answer_to(second).reply.version, 2u);
  EXPECT_EQ(client.answer_to(first).reply.version, 1u);
  EXPECT_FALSE(client.next(Client::Clock::now()));
}

TEST_F(ClientTest, KeepsWhatItHasWhileItWaitsForOneMore) {
  const auto first = client.ask(question(), example()), second = client.ask(question(), example());
  answer_next(1);
  answer_next(2);
  EXPECT_EQ(client.answer_to(second).id, second);
  const auto third = client.ask(question(), example()), fourth = client.ask(question(), example());
  answer_next(3);
  answer_next(4);
  EXPECT_EQ(client.answer_to(fourth).id, fourth);
  EXPECT_EQ(next(client).id, first);
  EXPECT_EQ(next(client).id, third);
}

TEST_F(ClientTest, DoesNotWaitLongerThanItIsTold) {
  client.ask(question(), example());
  const auto begin = Client::Clock::now();
  EXPECT_FALSE(client.next(begin + std::chrono::milliseconds(20)));
  EXPECT_GE(Client::Clock::now() - begin, std::chrono::milliseconds(20));
  EXPECT_EQ(client.under_way(), 1u);
}

TEST_F(ClientTest, SaysItselfThatTimeIsUpForEachQuestionInItsTurn) {
  const auto later = client.ask(question("digits", 400'000), example());
  const auto sooner = client.ask(question("digits", 10'000), example());
  const auto answered = client.ask(question("digits", 20'000'000), example());
  std::vector<serving::Frame> asked;
  for (int i = 0; i < 3; ++i) asked.push_back(worker->next_question());
  EXPECT_EQ(next(client).id, sooner);
  worker->answer(asked[2]);
  EXPECT_EQ(next(client).id, answered);
  const auto last = next(client);
  EXPECT_EQ(last.id, later);
  EXPECT_EQ(last.reply.code, "deadline.exceeded");
  EXPECT_TRUE(last.outputs.empty());
  for (const auto& frame : asked) worker->answer(frame);  // late, and twice
  EXPECT_FALSE(client.next(Client::Clock::now() + std::chrono::milliseconds(20)));
}

TEST_F(ClientTest, AnAnswerThatCannotBeReadDoesNotLeaveItsAskerWaiting) {
  const auto id = client.ask(question("digits", 50'000), example());
  const serving::Frame asked = worker->next_question();
  worker->link().send(
      wire::frame_reply(asked.header.session, asked.header.seq, {}, as_bytes("12345")));
  const auto answer = next(client);
  EXPECT_EQ(answer.id, id);
  EXPECT_EQ(answer.reply.code, "deadline.exceeded");
  EXPECT_EQ(client.under_way(), 0u);
}

TEST_F(ClientTest, HasNothingDueOnceAllIsAnswered) {
  for (int i = 0; i < 10; ++i) client.ask(question("digits", 0), example());
  ASSERT_TRUE(client.due());
  for (int i = 0; i < 10; ++i) answer_next();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(next(client).reply.code, "");
  EXPECT_FALSE(client.due()) << "what was answered is remembered for its whole patience";
}

TEST_F(ClientTest, LeavesItsPatienceToTheServiceWhereItIsNotTold) {
  client.ask(question("digits", 0), example());
  const auto asked = worker->next_question();
  EXPECT_EQ(wire::parse_request(asked.payload)->meta.patience_us, 0u);
  EXPECT_GT(*client.due(), Client::Clock::now() + std::chrono::minutes(5));
  worker->answer(asked);
  EXPECT_EQ(next(client).reply.code, "");
}

TEST_F(ClientTest, ItsDescriptorIsReadableWhenAnAnswerIsThere) {
  const auto id = client.ask(question(), example());
  while (client.next(Client::Clock::now())) continue;
  answer_next();
  const auto limit = serving::soon();
  std::optional<Answer> answer;
  while (!answer && Client::Clock::now() < limit) {
    pollfd news{client.descriptor(), POLLIN, 0};
    ASSERT_EQ(::poll(&news, 1, 30'000), 1);
    answer = client.next(Client::Clock::now());
  }
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->id, id);
}

TEST_F(ClientTest, AnswersOfOthersAreNotItsOwn) {
  auto other = application();
  const auto mine = client.ask(question(), example());
  const auto theirs = other.ask(question(), example());
  EXPECT_EQ(mine, theirs);  // numbers count from 1 for each
  std::map<std::uint64_t, std::uint64_t> version_of;
  for (std::uint64_t version = 1; version <= 2; ++version) {
    const auto asked = worker->next_question();
    version_of[asked.header.session] = version;
    worker->answer(asked, version);
  }
  ASSERT_EQ(version_of.size(), 2u);
  EXPECT_EQ(next(client).reply.version + next(other).reply.version, 3u);
}

}  // namespace
}  // namespace skerry::client
