#include "core/engine/cloud/nodes.hpp"

#include <gtest/gtest.h>

#include <zmq.hpp>

#include "core/base/crypto.hpp"
#include "core/base/file.hpp"
#include "core/engine/cloud/tables.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/zap.hpp"

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
  zmq::context_t context;
  std::unique_ptr<wire::ZapHandler> zap =
      must(wire::ZapHandler::start(context, [](const wire::Refusal&) {}));
  Nodes nodes{unit, [this](auto keys) { zap->set_keys(std::move(keys)); }};
  wire::KeyPair cloud = must(wire::KeyPair::generate());
  wire::KeyPair own = must(wire::KeyPair::generate());
  wire::KeyPair other = must(wire::KeyPair::generate());
};

TEST_F(Enrolment, LetsAnInvitedNodeJoinOnce) {
  invite("harbour");
  EXPECT_EQ(nodes.invited(), std::vector<std::string>{"harbour"});
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

TEST_F(Enrolment, ReplacesATokenThatWasNotUsed) {
  EXPECT_NE(invite("harbour"), invite("harbour"));
  EXPECT_EQ(nodes.invited().size(), 1U);
}

}  // namespace
}  // namespace skerry::engine::cloud
