#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "plugin_under_test.hpp"

using namespace skerry_test;

namespace {

std::vector<std::string> node_names(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i)
    names.push_back("edge-" + std::string(1, static_cast<char>('a' + i)));
  return names;
}

// The names of those chosen.
std::set<std::string> chosen(Instance<skerry_selection_v1>& selection,
                             const std::vector<std::string>& nodes, std::uint32_t round,
                             std::uint64_t seed) {
  std::vector<skerry_candidate> candidates;
  for (const std::string& node : nodes) candidates.push_back({node.c_str(), 0, NAN, NAN, 0, 0});
  std::vector<std::uint32_t> indices(nodes.size());
  std::uint32_t count = 0;
  const Outcome outcome = selection.call(&skerry_selection_v1::select, candidates.data(),
                                         static_cast<std::uint32_t>(candidates.size()), round, seed,
                                         indices.data(), &count);
  EXPECT_TRUE(outcome.ok()) << outcome;
  std::set<std::string> names;
  for (std::uint32_t i = 0; i < count; ++i) names.insert(nodes.at(indices[i]));
  EXPECT_EQ(names.size(), count) << "indices are distinct";
  return names;
}

TEST(SelectAll, TakesEveryNode) {
  PluginUnderTest plugin("all");
  auto all = plugin.create<skerry_selection_v1>("all");
  const std::vector<std::string> nodes = node_names(5);
  EXPECT_EQ(chosen(all, nodes, 1, 7), std::set<std::string>(nodes.begin(), nodes.end()));
  EXPECT_TRUE(chosen(all, {}, 1, 7).empty());
}

class SelectRandom : public testing::Test {
 protected:
  Instance<skerry_selection_v1> random(const nlohmann::json& config) {
    return plugin.create<skerry_selection_v1>("random", config);
  }
  Outcome refused(const nlohmann::json& config) {
    return plugin.create_outcome("random", "selection/1", config);
  }

  PluginUnderTest plugin{"random"};
};

TEST_F(SelectRandom, GivesTheSameChoiceForTheSameRoundAndSeed) {
  auto one = random({{"count", 3}});
  auto other = random({{"count", 3}});
  for (std::uint32_t round = 1; round <= 20; ++round) {
    EXPECT_EQ(chosen(one, node_names(10), round, 42), chosen(other, node_names(10), round, 42));
  }
}

TEST_F(SelectRandom, DoesNotDependOnTheOrderOfTheNodes) {
  auto selection = random({{"count", 4}});
  std::vector<std::string> nodes = node_names(9);
  const auto forward = chosen(selection, nodes, 3, 11);
  std::reverse(nodes.begin(), nodes.end());
  EXPECT_EQ(forward, chosen(selection, nodes, 3, 11));
}

TEST_F(SelectRandom, TakesEveryNodeEquallyOftenOverManyRounds) {
  auto selection = random({{"count", 3}});
  std::map<std::string, int> times;
  constexpr int kRounds = 4000;
  for (int round = 1; round <= kRounds; ++round) {
    for (const std::string& name :
         chosen(selection, node_names(10), static_cast<std::uint32_t>(round), 1))
      ++times[name];
  }
  ASSERT_EQ(times.size(), 10U);
  // 1200 expected, standard deviation 29.
  for (const auto& [name, count] : times) EXPECT_NEAR(count, 0.3 * kRounds, 150) << name;
}

TEST_F(SelectRandom, DiffersFromSeedToSeed) {
  auto selection = random({{"count", 5}});
  std::set<std::set<std::string>> choices;
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    choices.insert(chosen(selection, node_names(20), 1, seed));
  EXPECT_GE(choices.size(), 19U);
}

TEST_F(SelectRandom, TakesAFractionRoundedAndAtLeastOne) {
  auto half = random({{"fraction", 0.5}});
  EXPECT_EQ(chosen(half, node_names(10), 1, 1).size(), 5U);
  EXPECT_EQ(chosen(half, node_names(1), 1, 1).size(), 1U);
  EXPECT_EQ(chosen(half, {}, 1, 1).size(), 0U);
  auto few = random({{"fraction", 0.01}});
  EXPECT_EQ(chosen(few, node_names(10), 1, 1).size(), 1U);
  auto whole = random({{"fraction", 1.0}});
  EXPECT_EQ(chosen(whole, node_names(10), 1, 1).size(), 10U);
}

TEST_F(SelectRandom, TakesAllWhereFewerAreThereThanCount) {
  auto selection = random({{"count", 8}});
  EXPECT_EQ(chosen(selection, node_names(3), 1, 1).size(), 3U);
}

TEST_F(SelectRandom, WantsExactlyOneOfFractionAndCount) {
  for (const nlohmann::json& config :
       {nlohmann::json::object(), nlohmann::json{{"fraction", 0.5}, {"count", 2}}}) {
    const Outcome outcome = refused(config);
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT);
    EXPECT_EQ(outcome.field, "fraction");
    EXPECT_NE(outcome.message.find("give one of them"), std::string::npos) << outcome;
  }
}

TEST_F(SelectRandom, RefusesValuesOutOfRange) {
  EXPECT_EQ(refused({{"fraction", 0}}).field, "fraction");
  EXPECT_EQ(refused({{"fraction", 1.5}}).field, "fraction");
  EXPECT_EQ(refused({{"count", 0}}).field, "count");
  EXPECT_EQ(refused({{"count", "many"}}).message, "must be a whole number, found \"many\"");
}

}  // namespace
