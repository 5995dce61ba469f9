#include "core/base/suggest.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace skerry {
namespace {

const std::vector<std::string> kWords{"rounds", "quorum", "deadline", "aggregation", "lr"};

TEST(Suggest, FindsTheWordThatWasMeant) {
  EXPECT_EQ(closest("round", kWords), "rounds");
  EXPECT_EQ(closest("qourum", kWords), "quorum");
  EXPECT_EQ(closest("Deadline", kWords), "deadline");
  EXPECT_EQ(closest("agregatoin", kWords), "aggregation");
  EXPECT_EQ(closest("rl", kWords), "lr");
}

TEST(Suggest, FindsNothingForAWordUnlikeAny) {
  EXPECT_EQ(closest("banana", kWords), std::nullopt);
  EXPECT_EQ(closest("", kWords), std::nullopt);
  EXPECT_EQ(closest("xy", kWords), std::nullopt);
  EXPECT_EQ(closest(std::string(1'000'000, 'a'), kWords), std::nullopt);
  EXPECT_EQ(closest("rounds", {}), std::nullopt);
}

TEST(Suggest, MakesTheEndOfAMessage) {
  EXPECT_EQ(did_you_mean("round", kWords), "; did you mean \"rounds\"?");
  EXPECT_EQ(did_you_mean("banana", kWords), "");
}

}  // namespace
}  // namespace skerry
