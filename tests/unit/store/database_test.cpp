#include "core/store/database.hpp"

#include <gtest/gtest.h>

#include <optional>

#include <array>

#include "core/base/file.hpp"

namespace skerry::store {
namespace {

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() { EXPECT_TRUE(database_.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v)")); }
  std::int64_t one(std::string_view sql) {
    auto statement = database_.prepare(sql).value();
    return statement.step().value() ? statement.column_int(0) : -1;
  }
  TempDir directory_ = TempDir::create().value();
  std::filesystem::path path_ = directory_.path() / "state.db";
  Database database_ = Database::open(path_).value();
};

TEST_F(DatabaseTest, IsPrivateAndSetToSurviveAPowerCut) {
  auto mode = database_.prepare("PRAGMA journal_mode").value();
  ASSERT_TRUE(mode.step().value());
  EXPECT_EQ(mode.column_text(0), "wal");
  EXPECT_EQ(one("PRAGMA synchronous"), 2);  // FULL
  EXPECT_EQ(one("PRAGMA foreign_keys"), 1);
  EXPECT_EQ(std::filesystem::status(path_).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(DatabaseTest, GivesBackEveryTypeAsItWasBound) {
  const std::string blob("a\0\xff", 3);
  auto select = database_.prepare("SELECT ?, ?, ?, ?, ?, ?, ?").value();
  select.bind(1, std::int64_t{-5})
      .bind(2, 0.25)
      .bind(3, "tëxt")
      .bind(4, as_bytes(blob))
      .bind(5, nullptr);
  select.bind(6, "").bind(7, Bytes());
  ASSERT_TRUE(select.step().value());
  EXPECT_EQ(select.column_int(0), -5);
  EXPECT_EQ(select.column_double(1), 0.25);
  EXPECT_EQ(select.column_text(2), "tëxt");
  EXPECT_EQ(select.column_blob(3), blob);
  EXPECT_TRUE(select.column_is_null(4));
  EXPECT_FALSE(select.column_is_null(5));
  EXPECT_FALSE(select.column_is_null(6));
  EXPECT_FALSE(select.step().value());
}

TEST_F(DatabaseTest, RefusesADigestOfTheWrongLength) {
  auto select = database_.prepare("SELECT ?").value();
  ASSERT_TRUE(select.bind(1, "short").step().value());
  EXPECT_EQ(select.column_digest(0).error().code, Code::data_loss);
}

TEST_F(DatabaseTest, KeepsWhatWasCommittedAndDropsWhatWasNot) {
  {
    auto transaction = database_.begin().value();
    ASSERT_TRUE(database_.exec("INSERT INTO t VALUES (1, 'kept')"));
    EXPECT_TRUE(database_.in_transaction());
    ASSERT_TRUE(transaction.commit());
  }
  {
    const auto transaction = database_.begin().value();
    ASSERT_TRUE(database_.exec("INSERT INTO t VALUES (2, 'dropped')"));
  }
  EXPECT_FALSE(database_.in_transaction());
  EXPECT_EQ(one("SELECT group_concat(id) FROM t"), 1);
}

TEST_F(DatabaseTest, DoesNotNestTransactionsNorCommitOneTwice) {
  auto transaction = database_.begin().value();
  EXPECT_EQ(database_.begin().error().code, Code::failed_precondition);
  EXPECT_TRUE(transaction.commit());
  EXPECT_EQ(transaction.commit().error().code, Code::failed_precondition);
}

TEST_F(DatabaseTest, ReusesACachedStatementAndForgetsItsValues) {
  for (int id = 1; id <= 3; ++id) {
    auto insert = database_.cached("INSERT INTO t VALUES (?, ?);\n").value();
    insert.bind(1, id);
    if (id == 1) insert.bind(2, "first");
    ASSERT_TRUE(insert.run());
  }
  EXPECT_EQ(one("SELECT count(*) FROM t WHERE v IS NULL"), 2);
}

TEST_F(DatabaseTest, LetsOneCachedStatementRunTwiceAtOnce) {
  ASSERT_TRUE(database_.exec("INSERT INTO t VALUES (1, 0), (2, 0)"));
  auto outer = database_.cached("SELECT id FROM t ORDER BY id").value();
  ASSERT_TRUE(outer.step().value());
  {
    auto inner = database_.cached("SELECT id FROM t ORDER BY id").value();
    ASSERT_TRUE(inner.step().value());
    EXPECT_EQ(inner.column_int(0), 1);
  }
  ASSERT_TRUE(outer.step().value());
  EXPECT_EQ(outer.column_int(0), 2);
}

TEST_F(DatabaseTest, CanBeMovedWhileAStatementLives) {
  std::optional<Statement> statement = database_.cached("SELECT 7").value();
  const Database moved = std::move(database_);
  ASSERT_TRUE(statement->step().value());
  EXPECT_EQ(statement->column_int(0), 7);
  statement.reset();  // before the database that it belongs to
}

TEST_F(DatabaseTest, SaysWhatIsWrongWithAStatement) {
  const auto unknown = database_.prepare("SELECT * FROM nowhere");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("no such table: nowhere"), std::string::npos);
  EXPECT_EQ(unknown.error().where, path_);
  EXPECT_FALSE(database_.prepare("SELECT 1; SELECT 2"));
  EXPECT_FALSE(database_.prepare(""));
  auto select = database_.prepare("SELECT ?").value();
  EXPECT_FALSE(select.bind(2, 1).step());
  EXPECT_FALSE(database_.exec("INSERT INTO"));
}

TEST_F(DatabaseTest, TellsADuplicateFromOtherConstraints) {
  ASSERT_TRUE(database_.exec("CREATE TABLE c (a PRIMARY KEY, b NOT NULL, r REFERENCES t(id))"));
  ASSERT_TRUE(database_.exec("INSERT INTO c VALUES (1, 1, NULL)"));
  EXPECT_EQ(database_.exec("INSERT INTO c VALUES (1, 1, NULL)").error().code, Code::already_exists);
  EXPECT_EQ(database_.exec("INSERT INTO c VALUES (2, NULL, NULL)").error().code,
            Code::failed_precondition);
  EXPECT_EQ(database_.exec("INSERT INTO c VALUES (2, 1, 99)").error().code,
            Code::failed_precondition);
}

TEST_F(DatabaseTest, KeepsNothingOfATransactionThatFilledTheDisk) {
  ASSERT_TRUE(database_.exec("INSERT INTO t VALUES (1, 'before')"));
  auto limit = database_.prepare("PRAGMA max_page_count = 20").value();
  ASSERT_TRUE(limit.step());
  {
    const auto transaction = database_.begin().value();
    ASSERT_TRUE(database_.exec("INSERT INTO t VALUES (2, 'in')"));
    const auto full = database_.exec("INSERT INTO t VALUES (3, zeroblob(1000000))");
    ASSERT_FALSE(full);
    EXPECT_EQ(full.error().code, Code::unavailable);
    EXPECT_NE(full.error().message.find("free some disk space"), std::string::npos);
  }
  EXPECT_EQ(one("SELECT count(*) FROM t"), 1);
}

TEST_F(DatabaseTest, BringsTheSchemaUpToDateOnce) {
  constexpr std::array<std::string_view, 2> kSteps{
      "CREATE TABLE a (x); CREATE TABLE b (x);",
      "ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES (1, 2)"};
  ASSERT_TRUE(database_.migrate(std::span(kSteps).first(1)));
  EXPECT_EQ(database_.user_version(), 1);
  ASSERT_TRUE(database_.migrate(kSteps));
  ASSERT_TRUE(database_.migrate(kSteps));
  EXPECT_EQ(database_.user_version(), 2);
  EXPECT_EQ(one("SELECT count(*) FROM a"), 1);
  EXPECT_EQ(database_.migrate(std::span(kSteps).first(1)).error().code, Code::failed_precondition);
}

TEST_F(DatabaseTest, LeavesTheSchemaAloneWhenAStepFails) {
  constexpr std::array<std::string_view, 1> kBad{"CREATE TABLE a (x); CREATE NONSENSE"};
  EXPECT_FALSE(database_.migrate(kBad));
  EXPECT_EQ(database_.user_version(), 0);
  EXPECT_EQ(one("SELECT count(*) FROM sqlite_schema WHERE name = 'a'"), 0);
}

TEST(DatabaseFile, ThatIsNoneIsRefused) {
  const auto directory = TempDir::create().value();
  ASSERT_TRUE(write_file_durably(directory.path() / "state.db", std::string(8192, 'x')));
  const auto database = Database::open(directory.path() / "state.db");
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, Code::data_loss);
  EXPECT_FALSE(Database::open(directory.path() / "none" / "state.db"));
  EXPECT_FALSE(Database::open(directory.path()));
}

}  // namespace
}  // namespace skerry::store
