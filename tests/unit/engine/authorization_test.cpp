// Each row of the tables, and that there are no others.
#include "core/engine/cloud/authorization.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/base/file.hpp"
#include "core/engine/cloud/tables.hpp"
#include "core/store/blob_store.hpp"
#include "core/wire/keys.hpp"

namespace skerry::engine::cloud {
namespace {

using ::testing::HasSubstr;
using wire::Type;

class Authorization : public testing::Test {
 protected:
  void SetUp() override {
    must(database.migrate(kMigrations));
    blobs.emplace(must(store::BlobStore::open(database, dir.path() / "blobs")));
    must(database.exec(R"(
      INSERT INTO node(name, public_key, joined) VALUES('harbour', 'k1', ''), ('island', 'k2', '');
      INSERT INTO node(name, public_key, joined, revoked) VALUES('wreck', 'k3', '', 1);
      INSERT INTO admin_key(name, public_key, created) VALUES('laptop', 'k4', '');
      INSERT INTO admin_key(name, public_key, created, revoked) VALUES('stolen', 'k5', '', 1);
      INSERT INTO job VALUES(7, 'daily', 'k', '{}', '', 'Running', '', x'', 0, 0, '', 0, 0);)"));
    must(blobs->put(as_bytes(kModel), model));
    must(unit.sql("INSERT INTO artifact(job, digest, shipped) VALUES(7, ?, 1)")
             .bind(1, script)
             .run());
    task("open", "harbour", "open");
    task("done", "harbour", "finished");
    task("other", "island", "open");
    task("old", "wreck", "open");
  }

  void task(const std::string& id, const std::string& node, const std::string& state) {
    const bool here = id == "open";
    must(unit.sql("INSERT INTO task(job, id, node, kind, state, message, params, inputs, expects) "
                  "VALUES(7, ?, ?, 'k', ?, '', '{}', ?, ?)")
             .bind(1, id)
             .bind(2, node)
             .bind(3, state)
             .bind(4, here ? R"({"model":")" + model.hex() + R"("})" : "{}")
             .bind(5, here ? R"({"update":")" + model.hex() + R"("})" : "{}")
             .run());
  }

  static Digest digest(const std::string& text) { return digest_of(as_bytes(text)); }

  Status message(Type type, const std::string& task, const Caller& who = {Role::node, "harbour"}) {
    const wire::TaskKey key{"daily.7", task};
    return authorize(unit, who, {.type = type, .task = &key});
  }
  Status get(const Digest& what, const std::string& node = "harbour") {
    return authorize(unit, {Role::node, node}, {.type = Type::blob_get, .digest = &what});
  }
  Status put(std::uint64_t size, const std::string& node = "harbour") {
    const Digest what = digest("new");
    return authorize(unit, {Role::node, node},
                     {.type = Type::blob_put, .digest = &what, .size = size});
  }

  const std::string kModel = std::string(1000, 'm');
  const Digest model = digest(kModel), script = digest("script"), secret = digest("secret");
  TempDir dir = must(TempDir::create());
  store::Database database = must(store::Database::open(dir.path() / "cloud.db"));
  Unit unit{database};
  std::optional<store::BlobStore> blobs;
};

TEST_F(Authorization, ATokenJoinsAsItsNodeAndDoesNothingElse) {
  const Caller invite{Role::invite, "newcomer"};
  EXPECT_TRUE(authorize(unit, invite, {.type = Type::join, .node = "newcomer"}));
  const auto other = authorize(unit, invite, {.type = Type::join, .node = "harbour"});
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("this token is for node `newcomer`"));
}

TEST_F(Authorization, ANodeGreetsAsItselfOnly) {
  const Caller node{Role::node, "harbour"};
  EXPECT_TRUE(authorize(unit, node, {.type = Type::hello, .node = "harbour"}));
  EXPECT_FALSE(authorize(unit, node, {.type = Type::hello, .node = "island"}));
}

TEST_F(Authorization, ANodeGreetsWithAKeyThatIsItsOwnNow) {
  must(unit.sql("UPDATE node SET next_key = 'k6' WHERE name = 'harbour'").run());
  const auto greet = [&](const std::string& key) {
    return authorize(unit, {Role::node, "harbour", wire::key_fingerprint(key)},
                     {.type = Type::hello, .node = "harbour"});
  };
  EXPECT_TRUE(greet("k1"));
  EXPECT_TRUE(greet("k6"));
  EXPECT_FALSE(greet("k2"));
  EXPECT_FALSE(greet(""));
}

TEST_F(Authorization, ANodeKeepsItsSessionAlive) {
  for (const Type type : {Type::ping, Type::pong, Type::ack, Type::bye, Type::new_key})
    EXPECT_TRUE(authorize(unit, {Role::node, "harbour"}, {.type = type}));
}

TEST_F(Authorization, ANodeReportsOnItsOpenTasks) {
  EXPECT_TRUE(message(Type::task_reported, "open"));
  for (const std::string task : {"done", "other", "unknown"})
    EXPECT_FALSE(message(Type::task_reported, task)) << task;
}

TEST_F(Authorization, ANodeEndsTasksThatAreOrWereItsOwn) {
  for (const Type type : {Type::task_finished, Type::task_failed}) {
    EXPECT_TRUE(message(type, "open"));
    EXPECT_TRUE(message(type, "done"));
    EXPECT_TRUE(message(type, "unknown"));  // nobody's: it is told that nobody waits for it
    EXPECT_FALSE(message(type, "other"));
    EXPECT_FALSE(authorize(unit, {Role::node, "harbour"}, {.type = type}));
  }
}

TEST_F(Authorization, ANodeReadsWhatItsOpenTasksName) {
  EXPECT_TRUE(get(model));
  EXPECT_TRUE(get(script));
  EXPECT_FALSE(get(secret));
  EXPECT_FALSE(get(model, "island"));
  EXPECT_TRUE(get(script, "island"));
  EXPECT_FALSE(authorize(unit, {Role::node, "harbour"}, {.type = Type::blob_get}));
  must(unit.sql("UPDATE task SET state = 'finished'").run());
  EXPECT_FALSE(get(model));
  EXPECT_FALSE(get(script));
}

TEST_F(Authorization, ANodeStoresWhatFitsItsOpenTasks) {
  const std::uint64_t most = (64u << 20) + 2 * kModel.size();
  EXPECT_TRUE(put(most));
  EXPECT_FALSE(put(most + 1));
  EXPECT_TRUE(put(std::uint64_t{1} << 40, "island"));  // its task does not say what is expected
  must(unit.sql("UPDATE task SET state = 'finished'").run());
  EXPECT_FALSE(put(1));
}

TEST_F(Authorization, ARevokedOrUnknownNodeMayNothing) {
  for (const std::string node : {"wreck", "nobody", ""}) {
    EXPECT_FALSE(authorize(unit, {Role::node, node}, {.type = Type::hello, .node = node}));
    EXPECT_FALSE(authorize(unit, {Role::node, node}, {.type = Type::ping}));
    EXPECT_FALSE(message(Type::task_finished, "old", {Role::node, node}));
    EXPECT_FALSE(get(script, node));
    EXPECT_FALSE(put(1, node));
  }
}

TEST_F(Authorization, NoOtherMessageIsAllowedToAnybody) {
  const std::set<std::pair<Role, Type>> allowed{
      {Role::invite, Type::join},        {Role::node, Type::hello},
      {Role::node, Type::ping},          {Role::node, Type::pong},
      {Role::node, Type::ack},           {Role::node, Type::bye},
      {Role::node, Type::new_key},       {Role::node, Type::task_reported},
      {Role::node, Type::task_finished}, {Role::node, Type::task_failed},
      {Role::node, Type::blob_get},      {Role::node, Type::blob_put}};
  for (const Role role : {Role::invite, Role::node, Role::admin, Role::operator_}) {
    for (int number = 0; number <= 0xffff; ++number) {
      const auto type = static_cast<Type>(number);
      const bool expected = allowed.contains({role, type});
      ASSERT_EQ(is_listed(role, type), expected) << static_cast<int>(role) << " " << number;
      if (!expected && number < 200) {
        const wire::TaskKey key{"daily.7", "open"};
        EXPECT_FALSE(authorize(unit, {role, "harbour"}, {type, "harbour", &key, &model, 1}));
      }
    }
  }
}

TEST_F(Authorization, AnOperatorMayAllVerbsAndAnAdminKeyThoseThatStayOffTheDisk) {
  const Caller op{Role::operator_, ""}, admin{Role::admin, "laptop"};
  for (const std::string verb : {"ping", "get", "describe", "logs", "watch", "apply", "signal",
                                 "delete", "node.ls", "node.token", "node.revoke", "node.rotate",
                                 "audit.ls", "audit.head", "plugin.quarantined"}) {
    EXPECT_TRUE(authorize(unit, op, verb)) << verb;
    EXPECT_TRUE(authorize(unit, admin, verb)) << verb;
  }
  for (const std::string verb : {"model.export", "shutdown", "admin.key", "admin.ls",
                                 "admin.revoke", "plugin.allow", "backup"}) {
    EXPECT_TRUE(authorize(unit, op, verb)) << verb;
    EXPECT_FALSE(authorize(unit, admin, verb)) << verb;
  }
}

TEST_F(Authorization, AnUnknownVerbIsForNobody) {
  for (const std::string verb : {"", "pin", "ping ", "node.steal", "GET"})
    for (const Role role : {Role::invite, Role::node, Role::admin, Role::operator_})
      EXPECT_FALSE(authorize(unit, {role, "laptop"}, verb)) << verb;
}

TEST_F(Authorization, NodesTokensAndRevokedAdminKeysMayNoVerb) {
  for (const Caller& caller : {Caller{Role::node, "harbour"}, Caller{Role::invite, "newcomer"},
                               Caller{Role::admin, "stolen"}, Caller{Role::admin, "nobody"}})
    EXPECT_FALSE(authorize(unit, caller, "ping")) << caller.actor();
}

TEST(UserId, IsReadAsItIsWritten) {
  for (const Role role : {Role::invite, Role::node, Role::admin}) {
    const auto caller = parse_user_id(user_id(role, "harbour"));
    ASSERT_TRUE(caller);
    EXPECT_EQ(caller->role, role);
    EXPECT_EQ(caller->name, "harbour");
    EXPECT_EQ(caller->key, "");
    EXPECT_EQ(parse_user_id(user_id(role, "harbour", "f00"))->key, "f00");
  }
  for (const std::string text : {"", "harbour", "operator:", "root:x", "Node:x"})
    EXPECT_FALSE(parse_user_id(text)) << text;
}

}  // namespace
}  // namespace skerry::engine::cloud
