#include "core/serving/fair_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace skerry::serving {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class FairQueueTest : public testing::Test {
 protected:
  using Queue = FairQueue<std::string>;

  bool push(const std::string& node, const std::string& item, std::size_t bytes = 1,
            int until = 10) {
    return queue.push(node, item, bytes, at(until));
  }
  static Queue::Clock::time_point at(int seconds) {
    return Queue::Clock::time_point(std::chrono::seconds(seconds));
  }
  std::string pop(int now = 0) {
    return queue.pop(at(now), [this](std::string item) { expired.push_back(std::move(item)); })
        .value_or("none");
  }
  void expire(int now) {
    queue.expire(at(now), [this](std::string item) { expired.push_back(std::move(item)); });
  }

  Queue queue{{.items = 3, .bytes = 100}};
  std::vector<std::string> expired;
};

TEST_F(FairQueueTest, ANodesQuestionsKeepTheirOrder) {
  push("a", "a1");
  push("a", "a2");
  push("a", "a3");
  EXPECT_EQ(pop(), "a1");
  EXPECT_EQ(pop(), "a2");
  EXPECT_EQ(pop(), "a3");
  EXPECT_EQ(pop(), "none");
  EXPECT_TRUE(queue.empty());
}

TEST_F(FairQueueTest, NodesTakeTurnsHoweverMuchOneAsks) {
  for (const std::string item : {"a1", "a2", "a3"}) push("a", item);
  push("b", "b1");
  push("c", "c1");
  push("b", "b2");
  for (const std::string item : {"a1", "b1", "c1", "a2", "b2", "a3"}) EXPECT_EQ(pop(), item);
  EXPECT_TRUE(queue.empty());
}

TEST_F(FairQueueTest, WhoComesAnewWaitsForOneTurnOfEachOther) {
  push("a", "a1");
  push("a", "a2");
  push("b", "b1");
  EXPECT_EQ(pop(), "a1");
  push("c", "c1");
  EXPECT_EQ(pop(), "b1");
  push("b", "b2");
  EXPECT_EQ(pop(), "a2");
  EXPECT_EQ(pop(), "c1");
  EXPECT_EQ(pop(), "b2");
}

TEST_F(FairQueueTest, ANodeHasNoMoreThanItMayAndCostsOthersNothing) {
  EXPECT_TRUE(push("a", "a1"));
  EXPECT_TRUE(push("a", "a2"));
  EXPECT_TRUE(push("a", "a3"));
  EXPECT_FALSE(push("a", "a4"));
  EXPECT_TRUE(push("b", "b1"));
  EXPECT_EQ(pop(), "a1");
  EXPECT_TRUE(push("a", "a5"));
  EXPECT_FALSE(push("a", "a6"));
}

TEST_F(FairQueueTest, ANodeHasNoMoreBytesThanItMayButOneQuestionInAnyCase) {
  EXPECT_TRUE(push("a", "a1", 60));
  EXPECT_FALSE(push("a", "a2", 41));
  EXPECT_TRUE(push("a", "a3", 40));
  EXPECT_EQ(pop(), "a1");
  EXPECT_TRUE(push("a", "a4", 60));
  EXPECT_TRUE(push("b", "b1", 1000));
  EXPECT_FALSE(push("b", "b2", 1));
  for (const std::string item : {"a3", "b1", "a4"}) EXPECT_EQ(pop(), item);
  EXPECT_TRUE(push("a", "a5", 100));
}

TEST_F(FairQueueTest, WhatIsPastItsTimeIsLeftOutAndTold) {
  push("a", "a1", 1, 5);
  push("a", "a2", 1, 10);
  push("b", "b1", 1, 5);
  EXPECT_EQ(pop(5), "a2");
  EXPECT_THAT(expired, ElementsAre("a1", "b1"));
  EXPECT_TRUE(queue.empty());
}

TEST_F(FairQueueTest, AllThatIsLeftMayBePastItsTime) {
  push("a", "a1", 1, 5);
  push("b", "b1", 1, 5);
  EXPECT_EQ(pop(6), "none");
  EXPECT_THAT(expired, ElementsAre("a1", "b1"));
}

TEST_F(FairQueueTest, WhatIsPastItsTimeGoesAlsoWhereNobodyTakesAnything) {
  push("a", "a1", 60, 5);
  push("a", "a2", 40, 10);
  push("b", "b1", 1, 5);
  push("c", "c1", 1, 10);
  expire(4);
  EXPECT_THAT(expired, IsEmpty());
  expire(5);
  EXPECT_THAT(expired, ElementsAre("a1", "b1"));
  EXPECT_TRUE(push("a", "a3", 60)) << "what went still counts";
  for (const std::string item : {"a2", "c1", "a3"}) EXPECT_EQ(pop(), item);
  EXPECT_TRUE(queue.empty());
}

TEST_F(FairQueueTest, ANodeWithNothingLeftAfterAnExpiryHasOneTurnAgainWhenItComesBack) {
  push("a", "a1", 1, 5);
  push("b", "b1", 1, 10);
  expire(5);
  push("a", "a2");
  push("a", "a3");
  push("b", "b2");
  for (const std::string item : {"b1", "a2", "b2", "a3"}) EXPECT_EQ(pop(), item);
}

}  // namespace
}  // namespace skerry::serving
