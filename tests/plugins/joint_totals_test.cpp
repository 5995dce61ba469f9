// What the workers of a service tell, added up.
#include "plugins/workflow/joint/totals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace {

using namespace joint;
using ::testing::HasSubstr;

Metrics counts(double requests, double hard = 0) {
  return {{"requests", requests}, {"hard", hard}};
}

TEST(JointTotals, AddUpOverNodes) {
  Json state = Json::object();
  EXPECT_TRUE(note(state, "a", "a/1", counts(60, 30)));
  EXPECT_TRUE(note(state, "b", "b/1", counts(40, 0)));
  EXPECT_EQ(of_all(state)["requests"], 100);
  EXPECT_EQ(of_all(state)["hardShare"], 0.3);
  EXPECT_EQ(of_each(state)["a"]["requests"], 60);
  EXPECT_EQ(of_each(state)["b"]["hard"], 0);
}

TEST(JointTotals, KnowWhetherThereIsAnythingNew) {
  Json state = Json::object();
  EXPECT_FALSE(note(state, "a", "a/1", {{"requests", 0}, {"breaker", 0}}));
  EXPECT_TRUE(note(state, "a", "a/1", counts(1)));
  EXPECT_FALSE(note(state, "a", "a/1", counts(1)));
}

TEST(JointTotals, KeepWhatAWorkerHadCountedThatWasStartedAgain) {
  Json state = Json::object();
  note(state, "a", "a/1", counts(100, 10));
  note(state, "a", "a/1", counts(4, 2));  // the same task in another process
  EXPECT_EQ(of_all(state)["requests"], 104);
  EXPECT_EQ(of_all(state)["hard"], 12);
  note(state, "a", "a/1", counts(6, 2));
  EXPECT_EQ(of_all(state)["requests"], 106);
}

TEST(JointTotals, SeeThatAWorkerIsAnotherOneByAnyCountThatFell) {
  Json state = Json::object();
  note(state, "a", "a/1", counts(10, 10));
  note(state, "a", "a/1", counts(12, 0));  // more requests already than the first one had
  EXPECT_EQ(of_all(state)["requests"], 22);
  EXPECT_EQ(of_all(state)["hard"], 10);
}

TEST(JointTotals, CountTwoTasksOfOneNodeEachOnItsOwn) {
  Json state = Json::object();
  note(state, "a", "a/1", counts(100));
  note(state, "a", "a/2", counts(0));
  note(state, "a", "a/1", counts(105));
  note(state, "a", "a/2", counts(3));
  note(state, "a", "a/1", counts(107));
  EXPECT_EQ(of_all(state)["requests"], 110);
  end(state, "a", "a/1");
  EXPECT_EQ(of_all(state)["requests"], 110);
  end(state, "a", "a/1");
  end(state, "nobody", "a/1");
  EXPECT_EQ(of_all(state)["requests"], 110) << "what has ended ends once";
}

TEST(JointTotals, KeepInTheSumWhatAForgottenNodeHadCounted) {
  Json state = Json::object();
  note(state, "a", "a/1", {{"requests", 5}, {"total.le.95", 5}});
  note(state, "b", "b/1", counts(7));
  forget(state, "a");
  forget(state, "b");
  forget(state, "b");
  EXPECT_EQ(of_all(state)["requests"], 12);
  EXPECT_EQ(of_all(state)["latencyMs"]["total"]["p50"], 0.095);
  EXPECT_EQ(of_each(state), Json::object());
  note(state, "a", "a/2", counts(1));
  EXPECT_EQ(of_all(state)["requests"], 13);
  EXPECT_EQ(of_each(state)["a"]["requests"], 1);
}

TEST(JointTotals, HaveAllHardWhereAllAreHard) {
  Json state = Json::object();
  note(state, "a", "a/1", {{"requests", 10}, {"hard", 10}, {"offloaded", 10}, {"byCloud", 10}});
  EXPECT_EQ(of_all(state)["hardShare"], 1.0);
  EXPECT_EQ(of_all(state)["offloadShare"], 1.0);
  EXPECT_THAT(text_of(of_all(state)),
              HasSubstr("10 questions, 100.0 % hard, 100.0 % to the cloud"));
}

TEST(JointTotals, HaveNoShareOfMoreThanAll) {
  Json state = Json::object();
  note(state, "a", "a/1", {{"requests", 3}, {"hard", 5}});  // two are being answered
  EXPECT_EQ(of_all(state)["hardShare"], 1.0);
}

TEST(JointTotals, SayNothingAboutSharesOfNothing) {
  const Json none = of_all(Json::object());
  EXPECT_EQ(none["requests"], 0);
  for (const char* name :
       {"hardShare", "offloadShare", "accuracy", "edgeAccuracy", "auditDisagreement", "latencyMs"})
    EXPECT_FALSE(none.contains(name)) << name;
  EXPECT_EQ(text_of(none), "0 questions");
}

TEST(JointTotals, MeasureWhoIsRight) {
  Json state = Json::object();
  note(state, "a", "a/1",
       {{"requests", 20},
        {"labelled", 10},
        {"right", 9},
        {"edgeKnown", 8},
        {"edgeRight", 4},
        {"audited", 5},
        {"auditDisagreed", 1}});
  const Json sum = of_all(state);
  EXPECT_EQ(sum["accuracy"], 0.9);
  EXPECT_EQ(sum["edgeAccuracy"], 0.5);
  EXPECT_EQ(sum["auditDisagreement"], 0.2);
  EXPECT_THAT(text_of(sum), HasSubstr(", 90.0 % right"));
}

TEST(JointTotals, FindPercentilesInTheBucketsOfAllNodes) {
  Json state = Json::object();
  note(state, "a", "a/1", {{"requests", 90}, {"total.le.95", 49}, {"total.le.191", 41}});
  note(state, "b", "b/1",
       {{"requests", 10}, {"total.le.95", 1}, {"total.le.2047", 8}, {"total.le.65535", 1}});
  const Json total = of_all(state)["latencyMs"]["total"];
  // Ranks 50, 90 and 99 of 100: 50 took at most 95 us, 91 at most 191, 99 at most 2047.
  EXPECT_EQ(total["p50"], 0.191);
  EXPECT_EQ(total["p90"], 0.191);
  EXPECT_EQ(total["p99"], 65.535);
  EXPECT_EQ(of_each(state)["a"]["latencyMs"]["total"]["p50"], 0.095);
  EXPECT_THAT(text_of(of_all(state)), HasSubstr(", p50 0.19 ms, p99 65.53 ms"));
}

TEST(JointTotals, SortBucketsByNumberAndNotByName) {
  Json state = Json::object();
  note(state, "a", "a/1", {{"wire.le.9", 1}, {"wire.le.10", 8}, {"wire.le.100", 1}});
  EXPECT_EQ(of_all(state)["latencyMs"]["wire"]["p50"], 0.010);
}

TEST(JointTotals, OfOneDurationAllPercentilesAreThatOne) {
  Json state = Json::object();
  note(state, "a", "a/1", {{"compute.le.0", 1}});
  EXPECT_EQ(of_all(state)["latencyMs"]["compute"],
            Json({{"p50", 0.0}, {"p90", 0.0}, {"p99", 0.0}}));
}

TEST(JointTotals, TellWhatFeedsAskedAboutOnlyWhereThereAreSome) {
  Json state = Json::object();
  note(state, "a", "edge/a/1", counts(9));
  EXPECT_FALSE(of_all(state).contains("fed"));
  EXPECT_FALSE(of_all(state).contains("unanswered"));
  note(state, "a", "feed/a/1", {{"fed", 7}});
  note(state, "b", "feed/b/1", {{"fed", 5}, {"unanswered", 2}});
  EXPECT_EQ(of_all(state)["fed"], 12);
  EXPECT_EQ(of_all(state)["unanswered"], 2);
  EXPECT_EQ(of_all(state)["requests"], 9);
  EXPECT_EQ(of_each(state)["a"]["fed"], 7);
  EXPECT_EQ(of_each(state)["a"]["unanswered"], 0);
}

TEST(JointTotals, OfAFeedBelieveOnlyWhatIsItsOwn) {
  EXPECT_EQ(counts_of_feed({{"fed", 7}, {"unanswered", 1}, {"requests", 7}, {"breaker", 1}}),
            (Metrics{{"fed", 7}, {"unanswered", 1}}));
}

TEST(JointTotals, TellHowExamplesTravelledAndWhatBecameLabels) {
  Json state = Json::object();
  note(state, "a", "a/1",
       {{"requests", 3}, {"bytesUp", 9000}, {"encoded", 2}, {"labelsDropped", 1}});
  const Json sum = of_all(state);
  EXPECT_EQ(sum["bytesUp"], 9000);
  EXPECT_EQ(sum["encoded"], 2);
  EXPECT_EQ(sum["labelsKept"], 0);
  EXPECT_EQ(sum["labelsDropped"], 1);
}

TEST(JointTotals, KeepTheBreakerAsItWasWhereNothingIsSaidOfIt) {
  Json state = Json::object();
  note(state, "a", "feed/a/1", {{"fed", 1}});
  EXPECT_EQ(of_each(state)["a"]["breaker"], "closed");
  note(state, "a", "edge/a/1", {{"requests", 1}, {"breaker", 1}});
  note(state, "a", "feed/a/1", {{"fed", 2}});
  EXPECT_EQ(of_each(state)["a"]["breaker"], "open");
}

TEST(JointTotals, TellWhetherTheBreakerIsOpen) {
  Json state = Json::object();
  for (const auto& [claimed, told] : {std::pair{0.0, "closed"},
                                      {1.0, "open"},
                                      {2.0, "open"},
                                      {-1.0, "closed"},
                                      {std::numeric_limits<double>::quiet_NaN(), "closed"}}) {
    note(state, "a", "a/1", {{"requests", 1}, {"breaker", claimed}});
    EXPECT_EQ(of_each(state)["a"]["breaker"], told) << claimed;
  }
  EXPECT_FALSE(of_all(state).contains("breaker")) << "that does not add up";
}

TEST(JointTotals, LeaveOutWhatIsNoNumberAndWhatNobodyCounts) {
  Json state = Json::object();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(note(state, "a", "a/1",
                    {{"requests", nan},
                     {"hard", infinite},
                     {"offloaded", -1},
                     {"password", 5},
                     {"", 5},
                     {"requests 5 hard", 5},
                     {".le.5", 5},
                     {"other.le.5", 5},
                     {"total.le.", 5},
                     {"total.le.5x", 5},
                     {"total.le.99999999999999999999", 5},
                     {"total.le.0.le.5", 5}}));
  EXPECT_EQ(of_all(state), of_all(Json::object()));
}

TEST(JointTotals, AddUpToNoMoreThanCanBeCounted) {
  Json state = Json::object();
  for (const char* node : {"a", "b", "c"}) note(state, node, "1", counts(1e308, 1e15));
  EXPECT_EQ(of_all(state)["requests"], 9007199254740992);
  EXPECT_EQ(of_all(state)["hard"], 3'000'000'000'000'000);
  note(state, "a", "1", counts(1));
  forget(state, "b");
  EXPECT_EQ(of_all(state)["requests"], 9007199254740992);
}

TEST(JointTotals, KeepNoMoreBucketsThanAWorkerHas) {
  Json state = Json::object();
  Metrics metrics;
  for (int i = 0; i < 5'000; ++i) metrics["total.le." + std::to_string(i)] = 1;
  note(state, "a", "a/1", metrics);
  EXPECT_LT(state.dump().size(), 6'000u);
}

TEST(JointTotals, WatchSoManyAndOnlyCountWithTheOthers) {
  Json state = Json::object();
  const Metrics metrics = {{"requests", 1}, {"total.le.95", 1}};
  for (int i = 0; i < 250; ++i) note(state, "node-" + std::to_string(i), "t", metrics);
  EXPECT_EQ(of_all(state)["requests"], 250);
  EXPECT_EQ(of_each(state).size(), kMostWatched);
  EXPECT_EQ(state["node-249"]["now"]["t"], "requests 1");
  forget(state, "node-0");
  EXPECT_EQ(of_each(state).size(), kMostWatched - 1);
  EXPECT_EQ(of_all(state)["requests"], 250);
}

TEST(JointTotals, SayWhatTheEdgeHadToAnswerAlone) {
  Json state = Json::object();
  note(state, "a", "a/1", {{"requests", 8}, {"hard", 4}, {"offloaded", 1}, {"fallbacks", 3}});
  EXPECT_EQ(text_of(of_all(state)),
            "8 questions, 50.0 % hard, 12.5 % to the cloud, 3 answered by the edge for want of it");
}

}  // namespace
