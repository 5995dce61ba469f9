// The audit log cannot be changed unseen.
#include "core/store/audit_chain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/file.hpp"

namespace skerry::store {
namespace {

using ::testing::HasSubstr;

class AuditLog : public testing::Test {
 protected:
  void SetUp() override {
    const std::string_view steps[] = {kAuditSchema};
    ASSERT_TRUE(database.migrate(steps));
    for (int i = 1; i <= 5; ++i) append("job.applied", "job-" + std::to_string(i));
  }

  void append(const std::string& action, const std::string& subject) {
    ASSERT_TRUE(append_audit(database, {.time = "2026-01-31T09:05:00Z",
                                        .actor = "operator",
                                        .action = action,
                                        .subject = subject,
                                        .details = "{}"}));
  }

  // As somebody would who can write to the file.
  void tamper(const std::string& sql) {
    for (const char* trigger : {"audit_appends", "audit_changes_nothing", "audit_drops_nothing"})
      ASSERT_TRUE(database.exec(std::string("DROP TRIGGER IF EXISTS ") + trigger));
    const auto done = database.exec(sql);
    ASSERT_TRUE(done) << done.error().text();
  }

  std::optional<AuditVerifier::Fault> verify(std::optional<AuditHead> kept = std::nullopt) {
    AuditVerifier verifier(std::move(kept));
    for (std::int64_t after = 0;;) {
      const auto page = read_audit(database, after, 2).value();
      if (page.empty()) return verifier.finish();
      for (const auto& entry : page) verifier.take(entry);
      after = page.back().seq;
    }
  }

  TempDir dir = TempDir::create().value();
  Database database = Database::open(dir.path() / "audit.db").value();
};

TEST_F(AuditLog, IsWholeAsItWasWritten) {
  EXPECT_FALSE(verify());
  EXPECT_EQ(audit_head(database)->seq, 5);
}

TEST_F(AuditLog, HasTheHashThatItsDescriptionGives) {
  const auto first = read_audit(database, 0, 1)->front();
  std::string bytes = "skerry.audit.1\n" + std::string(32, '\0');
  const auto number = [&](char value) { bytes += value + std::string(7, '\0'); };
  number(1);
  for (const std::string text :
       {"2026-01-31T09:05:00Z", "operator", "job.applied", "job-1", "{}"}) {
    number(static_cast<char>(text.size()));
    bytes += text;
  }
  EXPECT_EQ(first.hash, digest_of(as_bytes(bytes)));
}

TEST_F(AuditLog, RefusesToBeChangedShortenedOrFilledIn) {
  EXPECT_FALSE(database.exec("UPDATE audit SET actor = 'nobody' WHERE seq = 2"));
  EXPECT_FALSE(database.exec("DELETE FROM audit WHERE seq = 5"));
  EXPECT_FALSE(database.exec("DELETE FROM audit"));
  EXPECT_FALSE(database.exec(
      "INSERT OR REPLACE INTO audit SELECT seq, time, 'nobody', action, subject, details, prev, "
      "hash FROM audit WHERE seq = 2"));
  EXPECT_FALSE(database.exec("INSERT INTO audit VALUES(7, '', '', '', '', '', x'', x'')"));
  EXPECT_FALSE(verify());
}

TEST_F(AuditLog, TellsTheFirstEntryThatWasChangedInAnyColumn) {
  for (const std::string column : {"time", "actor", "action", "subject", "details"}) {
    tamper("BEGIN; UPDATE audit SET " + column + " = 'other' WHERE seq = 3");
    const auto fault = verify();
    ASSERT_TRUE(fault) << column;
    EXPECT_EQ(fault->seq, 3) << column;
    EXPECT_THAT(fault->found, HasSubstr("was changed"));
    ASSERT_TRUE(database.exec("ROLLBACK"));
  }
}

TEST_F(AuditLog, TellsAnEntryThatWasChangedTogetherWithItsHash) {
  auto entry = read_audit(database, 2, 1)->front();
  entry.actor = "somebody else";
  auto update = database.prepare("UPDATE audit SET actor = ?, hash = ? WHERE seq = 3").value();
  tamper("SELECT 1");
  ASSERT_TRUE(update.bind(1, entry.actor).bind(2, audit_hash(entry)).run());
  EXPECT_EQ(verify()->seq, 4);
}

TEST_F(AuditLog, TellsAnEntryThatWasTakenOut) {
  tamper("DELETE FROM audit WHERE seq = 3");
  const auto fault = verify();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->seq, 3);
  EXPECT_THAT(fault->found, HasSubstr("entry 3 is missing"));
}

TEST_F(AuditLog, TellsAnEntryThatWasSlippedIn) {
  tamper(
      "UPDATE audit SET seq = -seq; UPDATE audit SET seq = CASE WHEN seq <= -3 THEN 1 - seq ELSE "
      "-seq END; INSERT INTO audit SELECT 3, time, actor, action, subject, details, prev, hash "
      "FROM audit WHERE seq = 2");
  EXPECT_EQ(verify()->seq, 3);
}

TEST_F(AuditLog, NeedsTheHeadThatWasKeptToTellThatItsEndIsGone) {
  const AuditHead kept = audit_head(database).value();
  tamper("DELETE FROM audit WHERE seq > 3");
  EXPECT_FALSE(verify());
  const auto fault = verify(kept);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->seq, 4);
  EXPECT_THAT(fault->found, HasSubstr("the log ends with entry 3, but it once had 5"));
}

TEST_F(AuditLog, TellsAChainThatWasWrittenAnewByTheHeadThatWasKept) {
  const AuditHead kept = audit_head(database).value();
  tamper("DELETE FROM audit WHERE seq > 3");
  for (int i = 0; i < 4; ++i) append("job.applied", "invented");
  EXPECT_FALSE(verify());
  EXPECT_EQ(verify(kept)->seq, 5);
}

TEST(AuditHead, IsReadAsItIsWritten) {
  const AuditHead head{42, digest_of(as_bytes(std::string("x")))};
  const auto read = AuditHead::parse(head.text()).value();
  EXPECT_EQ(read.seq, 42);
  EXPECT_EQ(read.hash, head.hash);
  const std::string hex = head.hash.hex();
  for (const std::string& text : std::vector<std::string>{"", "42", ":", "42:", "42:abc",
                                                          "x:" + hex, "-1:" + hex, "4 2:" + hex})
    EXPECT_FALSE(AuditHead::parse(text)) << text;
}

}  // namespace
}  // namespace skerry::store
