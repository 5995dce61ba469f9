#include "core/engine/arrivals.hpp"

#include <gtest/gtest.h>

namespace skerry::engine {
namespace {

class ArrivalsTest : public testing::Test {
 protected:
  void arrive(const std::string& text) {
    wire::SocketThread::Batch batch;
    batch.messages.push_back({1, "peer", "user", text});
    batch.hold = held;
    arrivals.add(std::move(batch));
  }

  boost::asio::io_context io;
  std::shared_ptr<int> held = std::make_shared<int>(0);
  std::vector<std::vector<std::string>> taken;
  long held_while_taken = 0;
  Arrivals arrivals{io, [this](const auto& messages) {
                      held_while_taken = held.use_count();
                      taken.emplace_back();
                      for (const auto& incoming : messages) taken.back().push_back(incoming.data);
                    }};
};

TEST_F(ArrivalsTest, HandsAllThatCameMeanwhileOverAtOnceAndInOrder) {
  for (const char* text : {"a", "b", "c"}) arrive(text);
  io.run();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0], (std::vector<std::string>{"a", "b", "c"}));
  io.restart();
  arrive("d");
  io.run();
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[1], (std::vector<std::string>{"d"}));
}

TEST_F(ArrivalsTest, LetsGoOfWhatItHoldsOnceItIsHandled) {
  arrive("a");
  arrive("b");
  io.run();
  EXPECT_EQ(held_while_taken, 3);
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace skerry::engine
