#include "core/engine/quarantine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/file.hpp"

namespace skerry::engine {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string kDigest(64, 'a');

class Quarantined : public testing::Test {
 protected:
  Quarantined() { must(database.exec(kQuarantineTable)); }
  bool die(std::chrono::seconds at) {
    return quarantine.blame({"plug", kDigest, "estimator.train"}, "it was killed by SIGSEGV",
                            Quarantine::Clock::time_point(at));
  }

  TempDir dir = must(TempDir::create());
  store::Database database = must(store::Database::open(dir.path() / "test.db"));
  Unit unit{database};
  Quarantine quarantine{unit, "skerry plugin allow {}"};
};

TEST_F(Quarantined, IsAPluginAfterFourDeathsInARow) {
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(die(std::chrono::seconds(i)));
  EXPECT_TRUE(quarantine.empty());
  EXPECT_TRUE(die(3s));
  const auto entry = quarantine.find(kDigest);
  ASSERT_TRUE(entry);
  EXPECT_THAT(quarantine.explain(*entry), HasSubstr("plugin `plug` (estimator, digest aaaa"));
  EXPECT_THAT(quarantine.explain(*entry), HasSubstr("skerry plugin allow aaaaaaaaaaaaaaaa"));
}

TEST_F(Quarantined, IsNoPluginWhoseDeathsAreFarApart) {
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(die(std::chrono::minutes(4 * i)));
}

TEST_F(Quarantined, IsNoPluginThatAnsweredMeanwhile) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(die(std::chrono::seconds(i)));
    if (i % 3 == 2) quarantine.absolve(kDigest);
  }
}

TEST_F(Quarantined, CanBeAllowedByTheFirstDigits) {
  for (int i = 0; i < 4; ++i) die(std::chrono::seconds(i));
  EXPECT_THAT(quarantine.allow("aaaa").error().message, HasSubstr("at least 8 digits"));
  EXPECT_THAT(quarantine.allow("bbbbbbbbb").error().message, HasSubstr("aaaaaaaaaaaaaaaa (plug)"));
  ASSERT_TRUE(quarantine.allow("aaaaaaaa"));
  EXPECT_TRUE(quarantine.empty());
  EXPECT_FALSE(die(5s)) << "its deaths are forgotten too";
}

TEST_F(Quarantined, StaysSoOverARestart) {
  for (int i = 0; i < 4; ++i) die(std::chrono::seconds(i));
  Quarantine again(unit, "{}");
  EXPECT_TRUE(again.find(kDigest));
}

}  // namespace
}  // namespace skerry::engine
