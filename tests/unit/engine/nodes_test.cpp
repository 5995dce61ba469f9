#include "core/engine/cloud/nodes.hpp"

#include <gtest/gtest.h>

#include "core/base/crypto.hpp"
#include "core/base/file.hpp"
#include "core/engine/cloud/tables.hpp"
#include "core/wire/keys.hpp"

namespace skerry::engine::cloud {
namespace {

class Enrolment : public testing::Test {
 protected:
  void SetUp() override {
    must(init_sodium());
    must(database.migrate(kMigrations));
  }

  std::string invite(const std::string& node) {
    return must(nodes.invite(node, "tcp://127.0.0.1:1", cloud.public_key)).secret_key;
  }

  TempDir dir = must(TempDir::create());
  store::Database database = must(store::Database::open(dir.path() / "cloud.db"));
  Unit unit{database};
  std::map<std::string, std::string> published;
  Nodes nodes{unit, [this](auto keys) { published = std::move(keys); }};
  wire::KeyPair cloud = must(wire::KeyPair::generate());
  wire::KeyPair own = must(wire::KeyPair::generate());
  wire::KeyPair other = must(wire::KeyPair::generate());
};

TEST_F(Enrolment, LetsAnInvitedNodeJoinOnce) {
  invite("harbour");
  ASSERT_EQ(nodes.invited().size(), 1u);
  EXPECT_EQ(nodes.invited().front().node, "harbour");
  EXPECT_TRUE(nodes.join("harbour", own.public_key));
  EXPECT_TRUE(nodes.invited().empty());
  ASSERT_TRUE(nodes.find("harbour"));
}

TEST_F(Enrolment, AnswersTheSameKeyAgainBecauseAnswersGetLost) {
  invite("harbour");
  ASSERT_TRUE(nodes.join("harbour", own.public_key));
  EXPECT_TRUE(nodes.join("harbour", own.public_key));
}

TEST_F(Enrolment, RefusesASecondKeyWithAUsedToken) {
  invite("harbour");
  ASSERT_TRUE(nodes.join("harbour", own.public_key));
  const auto second = nodes.join("harbour", other.public_key);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("was used already"), std::string::npos);
}

TEST_F(Enrolment, RefusesANodeThatNobodyInvited) {
  EXPECT_FALSE(nodes.join("stranger", own.public_key));
}

TEST_F(Enrolment, RefusesOneKeyForTwoNodes) {
  invite("harbour");
  invite("island");
  ASSERT_TRUE(nodes.join("harbour", own.public_key));
  EXPECT_FALSE(nodes.join("island", own.public_key));
}

TEST_F(Enrolment, DoesNotGiveOutARevokedNameAgain) {
  invite("harbour");
  ASSERT_TRUE(nodes.join("harbour", own.public_key));
  ASSERT_TRUE(nodes.revoke("harbour"));
  EXPECT_TRUE(nodes.find("harbour")->revoked);
  EXPECT_FALSE(nodes.invite("harbour", "tcp://127.0.0.1:1", cloud.public_key));
}

TEST_F(Enrolment, RefusesATokenAfterItsTimeButNotTheNodeThatUsedItBefore) {
  must(nodes.invite("late", "tcp://127.0.0.1:1", cloud.public_key, std::chrono::seconds(-1)));
  const auto late = nodes.join("late", own.public_key);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::deadline_exceeded);
  invite("harbour");
  ASSERT_TRUE(nodes.join("harbour", own.public_key));
  must(unit.sql("UPDATE invite SET expires = 1").run());
  EXPECT_TRUE(nodes.join("harbour", own.public_key));
}

TEST_F(Enrolment, LetsBothKeysInUntilTheNodeGreetsWithTheNewOne) {
  invite("harbour");
  ASSERT_TRUE(nodes.join("harbour", own.public_key));
  ASSERT_TRUE(nodes.note_key("harbour", other.public_key));
  ASSERT_TRUE(nodes.note_key("harbour", other.public_key));
  EXPECT_EQ(published.count(own.public_key) + published.count(other.public_key), 2u);
  nodes.settle_key("harbour", wire::key_fingerprint(own.public_key));
  EXPECT_EQ(published.count(own.public_key), 1u);
  nodes.settle_key("harbour", wire::key_fingerprint(other.public_key));
  EXPECT_EQ(published.count(own.public_key), 0u);
  EXPECT_EQ(published.at(other.public_key),
            user_id(Role::node, "harbour", wire::key_fingerprint(other.public_key)));
  EXPECT_EQ(nodes.find("harbour")->key, wire::key_fingerprint(other.public_key));
}

TEST_F(Enrolment, NotesNoKeyThatIsSomebodysAlready) {
  invite("harbour");
  invite("island");
  ASSERT_TRUE(nodes.join("harbour", own.public_key));
  ASSERT_TRUE(nodes.join("island", other.public_key));
  EXPECT_FALSE(nodes.note_key("harbour", other.public_key));
  EXPECT_FALSE(nodes.note_key("harbour", own.public_key));
}

TEST_F(Enrolment, ReplacesATokenThatWasNotUsed) {
  EXPECT_NE(invite("harbour"), invite("harbour"));
  EXPECT_EQ(nodes.invited().size(), 1U);
}

}  // namespace
}  // namespace skerry::engine::cloud
