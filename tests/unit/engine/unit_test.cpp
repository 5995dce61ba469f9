#include "core/engine/unit.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "core/base/file.hpp"

namespace skerry::engine {
namespace {

class Units : public testing::Test {
 protected:
  std::int64_t rows() {
    auto select = unit.sql("SELECT count(*) FROM item");
    must(select.step());
    return select.column_int(0);
  }
  void insert() { must(unit.sql("INSERT INTO item VALUES(1)").run()); }
  void SetUp() override { must(database.exec("CREATE TABLE item(value INTEGER)")); }

  TempDir dir = must(TempDir::create());
  store::Database database = must(store::Database::open(dir.path() / "test.db"));
  Unit unit{database};
};

TEST_F(Units, RunsEffectsAfterTheCommitAndNotBefore) {
  bool ran = false;
  {
    const Unit::Scope scope(unit);
    insert();
    unit.after_commit([&] {
      ran = true;
      EXPECT_FALSE(database.in_transaction());
    });
    EXPECT_TRUE(database.in_transaction());
    EXPECT_FALSE(ran);
  }
  EXPECT_TRUE(ran);
  EXPECT_EQ(rows(), 1);
}

TEST_F(Units, JoinsTheOpenUnitAndCommitsOnce) {
  std::vector<int> order;
  {
    const Unit::Scope outer(unit);
    insert();
    unit.after_commit([&] { order.push_back(1); });
    {
      const Unit::Scope inner(unit);
      insert();
      unit.after_commit([&] { order.push_back(2); });
    }
    EXPECT_TRUE(database.in_transaction());
    EXPECT_TRUE(order.empty());
  }
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_EQ(rows(), 2);
}

TEST_F(Units, LetsAnEffectOpenAUnitOfItsOwn) {
  bool inner_effect = false;
  {
    const Unit::Scope scope(unit);
    unit.after_commit([&] {
      const Unit::Scope own(unit);
      insert();
      unit.after_commit([&] { inner_effect = true; });
    });
  }
  EXPECT_TRUE(inner_effect);
  EXPECT_EQ(rows(), 1);
}

TEST_F(Units, AnExceptionTakesAllOfTheUnitWithIt) {
  bool ran = false;
  const auto fails_within = [&] {
    const Unit::Scope outer(unit);
    insert();
    unit.after_commit([&] { ran = true; });
    const Unit::Scope inner(unit);
    insert();
    throw std::runtime_error("half way");
  };
  EXPECT_THROW(fails_within(), std::runtime_error);
  EXPECT_FALSE(database.in_transaction());
  EXPECT_FALSE(ran);
  EXPECT_EQ(rows(), 0);
  {
    const Unit::Scope next(unit);
    insert();
  }
  EXPECT_EQ(rows(), 1);
}

TEST_F(Units, NothingIsCommittedWhenAnExceptionIsCaughtHalfWay) {
  const auto file = dir.path() / "half.db";
  const auto go_on_after_it = [&] {
    store::Database own = must(store::Database::open(file));
    must(own.exec("CREATE TABLE item(value INTEGER)"));
    Unit half(own);
    const Unit::Scope outer(half);
    must(half.sql("INSERT INTO item VALUES(1)").run());
    try {
      const Unit::Scope inner(half);
      throw std::runtime_error("half way");
    } catch (const std::runtime_error&) {
    }
  };
  EXPECT_EXIT(go_on_after_it(), testing::ExitedWithCode(74), "given up");
  store::Database after = must(store::Database::open(file));
  auto select = must(after.cached("SELECT count(*) FROM item"));
  ASSERT_TRUE(must(select.step()));
  EXPECT_EQ(select.column_int(0), 0);
}

}  // namespace
}  // namespace skerry::engine
