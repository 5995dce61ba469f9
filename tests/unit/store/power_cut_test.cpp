#include "core/store/power_cut.hpp"

#include <gtest/gtest.h>

#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/store/database.hpp"

#ifdef SKERRY_FAILPOINTS

namespace skerry::store {
namespace {

constexpr int kRows = 200;

class PowerCut : public ::testing::Test {
 protected:
  PowerCut() { power_cut::install(); }

  Database open() const {
    auto database = Database::open(path());
    EXPECT_TRUE(database.has_value()) << database.error().text();
    return std::move(*database);
  }
  std::filesystem::path path() const { return directory_.path() / "state.db"; }

  static Status add_row(Database& database) {
    SKERRY_ASSIGN(auto transaction, database.begin());
    SKERRY_TRY(database.exec("INSERT INTO t(v) VALUES(randomblob(500))"));
    return transaction.commit();
  }
  // Commits rows, cuts the power, and says how many are there afterwards.
  std::int64_t rows_after_cut(std::string_view setting, std::uint64_t seed) {
    {
      Database database = open();
      EXPECT_TRUE(database.exec("DROP TABLE IF EXISTS t; CREATE TABLE t(v)"));
      EXPECT_TRUE(database.exec(setting));
      for (int i = 0; i < kRows; ++i) EXPECT_TRUE(add_row(database));
      power_cut::cut(directory_.path(), seed);
    }
    return rows();
  }
  std::int64_t rows() const {
    Database database = open();
    auto whole = database.prepare("PRAGMA integrity_check").value();
    EXPECT_TRUE(whole.step().value());
    EXPECT_EQ(whole.column_text(0), "ok");
    auto count = database.prepare("SELECT count(*) FROM t");
    if (!count) return -1;  // the table itself is lost
    EXPECT_TRUE(count->step().value());
    return count->column_int(0);
  }

  TempDir directory_ = TempDir::create().value();
};

TEST_F(PowerCut, TakesNoCommitThatWasSynced) {
  for (std::uint64_t seed = 0; seed < 8; ++seed)
    EXPECT_EQ(rows_after_cut("PRAGMA synchronous = FULL", seed), kRows) << "seed " << seed;
}

TEST_F(PowerCut, TakesCommitsThatWereNotSynced) {
  EXPECT_LT(rows_after_cut("PRAGMA synchronous = NORMAL", 0), kRows);
}

TEST_F(PowerCut, LeavesAWholeDatabaseWhateverTheDiskHadWritten) {
  for (std::uint64_t seed = 0; seed < 16; ++seed)
    EXPECT_LE(rows_after_cut("PRAGMA synchronous = NORMAL", seed), kRows) << "seed " << seed;
}

TEST_F(PowerCut, FailsAllWritesUntilTheDatabaseIsClosed) {
  {
    Database database = open();
    ASSERT_TRUE(database.exec("CREATE TABLE t(v)"));
    ASSERT_TRUE(add_row(database));
    power_cut::cut(directory_.path());
    const auto status = add_row(database);
    ASSERT_FALSE(status.has_value());
    EXPECT_EQ(status.error().code, Code::data_loss);
  }
  EXPECT_EQ(rows(), 1);
}

TEST_F(PowerCut, LeavesOtherDirectoriesAlone) {
  const TempDir other = TempDir::create().value();
  Database database = open();
  ASSERT_TRUE(database.exec("CREATE TABLE t(v)"));
  power_cut::cut(other.path());
  EXPECT_TRUE(add_row(database).has_value());
}

TEST_F(PowerCut, LetsADatabaseThatIsClosedKeepWhatWasNotSynced) {
  {
    Database database = open();
    ASSERT_TRUE(database.exec("CREATE TABLE t(v); PRAGMA synchronous = OFF"));
    for (int i = 0; i < kRows; ++i) ASSERT_TRUE(add_row(database));
  }
  EXPECT_EQ(rows(), kRows);
}

TEST_F(PowerCut, ShowsOneConnectionWhatAnotherWrote) {
  Database writer = open();
  ASSERT_TRUE(writer.exec("CREATE TABLE t(v); PRAGMA synchronous = OFF"));
  ASSERT_TRUE(add_row(writer));
  EXPECT_EQ(rows(), 1);
}

}  // namespace
}  // namespace skerry::store

#endif
