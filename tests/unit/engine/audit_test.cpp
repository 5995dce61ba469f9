#include "core/engine/audit.hpp"

#include <gtest/gtest.h>

#include "core/base/file.hpp"
#include "core/engine/cloud/tables.hpp"

namespace skerry::engine {
namespace {

using namespace std::chrono_literals;

TEST(Audit, IsPartOfTheUnitThatItTellsOf) {
  const TempDir dir = must(TempDir::create());
  const auto file = dir.path() / "cloud.db";
  {
    store::Database database = must(store::Database::open(file));
    must(database.migrate(cloud::kMigrations));
    auto transaction = must(database.begin());  // as of a unit that a crash ends before its commit
    must(store::append_audit(database, {.actor = "operator", .action = "lost"}));
  }
  store::Database database = must(store::Database::open(file));
  Unit unit(database);
  {
    const Unit::Scope scope(unit);
    audit(unit, kActorOperator, "kept", "one");
    audit(unit, kActorOperator, "kept", "two", {{"n", 2}});
  }
  const auto entries = must(store::read_audit(database, 0, 10));
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].subject, "one");
  EXPECT_EQ(entries[1].details, R"({"n":2})");
}

TEST(AuditLimit, LeavesOutWhatComesTooOftenAndCountsIt) {
  AuditLimit limit(2, 60s);
  const auto start = AuditLimit::Clock::now();
  EXPECT_EQ(limit.admit("a", start), 0u);
  EXPECT_EQ(limit.admit("a", start + 1s), 0u);
  EXPECT_FALSE(limit.admit("a", start + 2s));
  EXPECT_FALSE(limit.admit("a", start + 59s));
  EXPECT_EQ(limit.admit("b", start + 59s), 0u);
  EXPECT_EQ(limit.admit("a", start + 60s), 2u);
  EXPECT_EQ(limit.admit("a", start + 61s), 0u);
}

TEST(AuditLimit, DoesNotGrowWithTheSourcesThatAStrangerInvents) {
  AuditLimit limit(1, 60s);
  const auto now = AuditLimit::Clock::now();
  int written = 0;
  for (int i = 0; i < 20'000; ++i)
    if (limit.admit("source " + std::to_string(i), now)) ++written;
  EXPECT_EQ(written, 4097);
}

}  // namespace
}  // namespace skerry::engine
