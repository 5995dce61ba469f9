// Who serves what, and whom a worker owes an answer.
#include "core/serving/seats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace skerry::serving {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr auto kNow = Seats::Clock::time_point(std::chrono::hours(1));

Place place(std::uint64_t version, std::uint32_t replica = 0) {
  return {"digits.7", "digits", version, replica};
}

class SeatsTest : public testing::Test {
 protected:
  // A worker whose ticket, session and address are told by one number.
  Seats::Taken take(std::uint64_t ticket, std::uint32_t credit = 8) {
    return seats.take(ticket, "peer-" + std::to_string(ticket), 100 + ticket, credit);
  }
  Seats::Taken arrive(std::uint64_t ticket, Place at, std::uint32_t credit = 8) {
    seats.reserve(ticket, std::move(at));
    return take(ticket, credit);
  }
  static std::vector<std::uint64_t> tickets(const std::vector<Seats::Seat*>& list) {
    std::vector<std::uint64_t> numbers;
    for (const Seats::Seat* seat : list) numbers.push_back(seat->ticket);
    return numbers;
  }
  std::vector<std::uint64_t> serving(const std::string& service = "digits") {
    return tickets(seats.serving(service));
  }
  void hand(std::uint64_t ticket, std::uint64_t seq, std::chrono::seconds until = {}) {
    const QuestionId id{5, seq};
    seats.of_session(100 + ticket)->in_hand[id] = {id, "asker-" + std::to_string(seq),
                                                   kNow + until};
  }
  static std::vector<std::string> peers(const std::vector<Seats::Asker>& askers) {
    std::vector<std::string> list;
    for (const auto& each : askers) list.push_back(each.peer);
    return list;
  }

  Seats seats;
};

TEST_F(SeatsTest, AServiceIsKnownFromTheReservationOnAndServesFromTheSeatOn) {
  EXPECT_FALSE(seats.knows("digits"));
  seats.reserve(1, place(1));
  EXPECT_TRUE(seats.knows("digits"));
  EXPECT_FALSE(seats.knows("digits.7"));
  EXPECT_THAT(serving(), IsEmpty());
  EXPECT_EQ(seats.least_busy("digits"), nullptr);

  const auto taken = take(1);
  ASSERT_NE(taken.seat, nullptr);
  EXPECT_THAT(taken.retired, IsEmpty());
  EXPECT_THAT(serving(), ElementsAre(1));
  EXPECT_EQ(seats.of_peer("peer-1"), taken.seat);
  EXPECT_EQ(seats.of_session(101), taken.seat);
  EXPECT_EQ(seats.of_peer("peer-2"), nullptr);
  EXPECT_EQ(seats.of_session(102), nullptr);
}

TEST_F(SeatsTest, AStrangersTicketIsNone) {
  seats.reserve(1, place(1));
  EXPECT_EQ(take(2).seat, nullptr);
  EXPECT_EQ(take(0).seat, nullptr);
  EXPECT_EQ(seats.of_peer("peer-2"), nullptr);
}

TEST_F(SeatsTest, ATicketIsGoodForOneSeat) {
  ASSERT_NE(arrive(1, place(1)).seat, nullptr);
  EXPECT_EQ(seats.take(1, "another", 200, 8).seat, nullptr);
  EXPECT_EQ(take(1).seat, nullptr);
  EXPECT_EQ(seats.of_session(101)->peer, "peer-1");
}

TEST_F(SeatsTest, AProcessHasOneSeat) {
  ASSERT_NE(arrive(1, place(1)).seat, nullptr);
  seats.reserve(2, place(1, 1));
  EXPECT_EQ(seats.take(2, "peer-1", 102, 8).seat, nullptr);
  EXPECT_EQ(seats.of_peer("peer-1")->ticket, 1u);
  EXPECT_THAT(serving(), ElementsAre(1));
}

TEST_F(SeatsTest, ASessionIsOfOneWorker) {
  ASSERT_NE(arrive(1, place(1)).seat, nullptr);
  seats.reserve(2, place(1, 1));
  EXPECT_EQ(seats.take(2, "peer-2", 101, 8).seat, nullptr);
  EXPECT_EQ(seats.of_session(101)->ticket, 1u);
}

TEST_F(SeatsTest, ALaterVersionTakesThePlaceOfAnEarlierOne) {
  arrive(1, place(1));
  const auto taken = arrive(2, place(2));
  EXPECT_THAT(tickets(taken.retired), ElementsAre(1));
  EXPECT_THAT(serving(), ElementsAre(2));
  EXPECT_TRUE(seats.of_peer("peer-1")->retired);
  EXPECT_EQ(seats.least_busy("digits")->ticket, 2u);
}

TEST_F(SeatsTest, AnEarlierVersionThatComesLateIsRetiredAtOnce) {
  arrive(2, place(2));
  const auto taken = arrive(1, place(1));
  ASSERT_NE(taken.seat, nullptr);
  EXPECT_TRUE(taken.seat->retired);
  EXPECT_THAT(tickets(taken.retired), ElementsAre(1));
  EXPECT_THAT(serving(), ElementsAre(2));
}

TEST_F(SeatsTest, TheSameVersionStartedAnewTakesThePlaceOfItsForerunner) {
  arrive(1, place(3));
  EXPECT_THAT(tickets(arrive(2, place(3)).retired), ElementsAre(1));
  EXPECT_THAT(serving(), ElementsAre(2));
}

TEST_F(SeatsTest, NobodyIsRetiredTwice) {
  arrive(1, place(1));
  arrive(2, place(2));
  EXPECT_THAT(tickets(arrive(3, place(3)).retired), ElementsAre(2));
  EXPECT_THAT(serving(), ElementsAre(3));
}

TEST_F(SeatsTest, WhoIsNotReadyYetRetiresNobodyAndIsNotRetired) {
  arrive(1, place(1));
  seats.reserve(2, place(2));
  EXPECT_THAT(serving(), ElementsAre(1));
  arrive(3, place(3));
  EXPECT_THAT(serving(), ElementsAre(3));
  EXPECT_TRUE(take(2).seat->retired);
}

TEST_F(SeatsTest, ReplicasAreReplacedEachByItsOwn) {
  arrive(1, place(1, 0));
  EXPECT_THAT(arrive(2, place(1, 1)).retired, IsEmpty());
  EXPECT_THAT(serving(), UnorderedElementsAre(1, 2));
  EXPECT_THAT(tickets(arrive(3, place(2, 1)).retired), ElementsAre(2));
  EXPECT_THAT(serving(), UnorderedElementsAre(1, 3));
}

TEST_F(SeatsTest, JobsDoNotTouchEachOther) {
  arrive(1, {"digits.7", "digits", 1, 0});
  EXPECT_THAT(arrive(2, {"letters.8", "letters", 9, 0}).retired, IsEmpty());
  EXPECT_THAT(serving("digits"), ElementsAre(1));
  EXPECT_THAT(serving("letters"), ElementsAre(2));
  // A job that was made anew under a name is another job.
  EXPECT_THAT(arrive(3, {"digits.9", "digits", 1, 0}).retired, IsEmpty());
  seats.reserve(4, {"digits.10", "digits", 1, 0});
  EXPECT_THAT(seats.jobs("digits"), ElementsAre("digits.10", "digits.7", "digits.9"));
  EXPECT_THAT(seats.jobs("words"), IsEmpty());
}

TEST_F(SeatsTest, ReleaseGivesWhomItOwes) {
  arrive(1, place(1));
  arrive(2, place(1, 1));
  hand(1, 11);
  hand(1, 12);
  hand(2, 13);
  EXPECT_THAT(peers(seats.release(1)), UnorderedElementsAre("asker-11", "asker-12"));
  EXPECT_THAT(serving(), ElementsAre(2));
  EXPECT_EQ(seats.of_peer("peer-1"), nullptr);
  EXPECT_EQ(seats.of_session(101), nullptr);
  EXPECT_THAT(seats.release(1), IsEmpty());
  EXPECT_TRUE(seats.knows("digits"));
  EXPECT_THAT(peers(seats.release(2)), ElementsAre("asker-13"));
  EXPECT_FALSE(seats.knows("digits"));
  EXPECT_TRUE(seats.all().empty());
}

TEST_F(SeatsTest, ReleaseOfOneThatWasNeverReadyOwesNobody) {
  seats.reserve(1, place(1));
  EXPECT_THAT(seats.release(1), IsEmpty());
  EXPECT_FALSE(seats.knows("digits"));
  EXPECT_EQ(take(1).seat, nullptr);
}

TEST_F(SeatsTest, AProcessMayTakeAnotherSeatAfterItsFirstWasReleased) {
  arrive(1, place(1));
  seats.release(1);
  seats.reserve(2, place(2));
  ASSERT_NE(seats.take(2, "peer-1", 101, 8).seat, nullptr);
  EXPECT_EQ(seats.of_peer("peer-1")->ticket, 2u);
}

TEST_F(SeatsTest, TheLeastBusyIsByTheShareOfWhatItTakes) {
  arrive(1, place(1, 0), 2);
  arrive(2, place(1, 1), 8);
  hand(1, 1);
  for (int i = 0; i < 3; ++i) hand(2, 10 + static_cast<std::uint64_t>(i));
  EXPECT_EQ(seats.least_busy("digits")->ticket, 2u);  // 1 of 2, 3 of 8
  hand(2, 20);
  hand(2, 21);
  EXPECT_EQ(seats.least_busy("digits")->ticket, 1u);  // 5 of 8
  hand(1, 2);
  EXPECT_EQ(seats.least_busy("digits")->ticket, 2u);  // the first has all it takes
  for (std::uint64_t i = 30; i < 33; ++i) hand(2, i);
  EXPECT_EQ(seats.least_busy("digits"), nullptr);
  EXPECT_EQ(seats.least_busy("letters"), nullptr);
}

TEST_F(SeatsTest, WhoSaysThatItTakesNothingIsGivenOneAtATime) {
  arrive(1, place(1), 0);
  EXPECT_NE(seats.least_busy("digits"), nullptr);
  hand(1, 1);
  EXPECT_EQ(seats.least_busy("digits"), nullptr);
}

// Its process has ended, and what it said before may still be on its way.
TEST_F(SeatsTest, ARetiredOneThatIsReleasedKeepsItsSeatUntilItsAnswersHaveCome) {
  arrive(1, place(1));
  hand(1, 11, std::chrono::minutes(10));
  hand(1, 12, std::chrono::minutes(10));
  arrive(2, place(2));
  EXPECT_THAT(seats.release(1, kNow), IsEmpty());
  ASSERT_NE(seats.of_peer("peer-1"), nullptr);
  EXPECT_EQ(seats.answered(*seats.of_peer("peer-1"), {5, 11})->peer, "asker-11");
  EXPECT_FALSE(seats.answered(*seats.of_peer("peer-1"), {5, 11}));
  EXPECT_EQ(seats.answered(*seats.of_peer("peer-1"), {5, 12})->peer, "asker-12");
  EXPECT_EQ(seats.of_peer("peer-1"), nullptr);
  EXPECT_THAT(serving(), ElementsAre(2));
}

TEST_F(SeatsTest, ARetiredOneThatCrashedDoesNotKeepItsAskersForTheirWholePatience) {
  arrive(1, place(1));
  hand(1, 11, std::chrono::minutes(10));
  arrive(2, place(2));
  hand(2, 12, std::chrono::minutes(10));
  EXPECT_THAT(seats.release(1, kNow), IsEmpty());
  EXPECT_THAT(seats.overdue(kNow), IsEmpty());
  EXPECT_THAT(peers(seats.overdue(kNow + std::chrono::milliseconds(1))), ElementsAre("asker-11"));
  EXPECT_EQ(seats.of_peer("peer-1"), nullptr);
  EXPECT_THAT(peers(seats.release(2)), ElementsAre("asker-12"));
}

TEST_F(SeatsTest, WhoIsGoneServesNoMoreButOwesWhatItHas) {
  arrive(1, place(1, 0));
  arrive(2, place(1, 1));
  hand(1, 11);
  seats.of_peer("peer-1")->gone = true;
  EXPECT_THAT(serving(), ElementsAre(2));
  EXPECT_EQ(seats.least_busy("digits")->ticket, 2u);
  EXPECT_THAT(peers(seats.release(1)), ElementsAre("asker-11"));
}

TEST_F(SeatsTest, WhatIsOverdueIsForgotten) {
  arrive(1, place(1));
  hand(1, 1, std::chrono::seconds(1));
  hand(1, 2, std::chrono::seconds(2));
  hand(1, 3, std::chrono::seconds(3));
  EXPECT_THAT(peers(seats.overdue(kNow + std::chrono::seconds(3))),
              UnorderedElementsAre("asker-1", "asker-2"));
  EXPECT_THAT(seats.overdue(kNow + std::chrono::seconds(3)), IsEmpty());
  EXPECT_THAT(peers(seats.release(1)), ElementsAre("asker-3"));
}

}  // namespace
}  // namespace skerry::serving
