#include "core/engine/cloud/nodes.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/base/failpoint.hpp"
#include "core/base/try.hpp"
#include "core/engine/audit.hpp"
#include "core/engine/wall_clock.hpp"
#include "core/wire/keys.hpp"

namespace skerry::engine::cloud {

void Nodes::publish_keys() {
  std::map<std::string, std::string> keys;
  const auto add = [&](Role role, const std::string& name, const std::string& key) {
    keys[key] = user_id(role, name, wire::key_fingerprint(key));
  };
  auto invites = unit_.sql("SELECT public_key, node FROM invite");
  while (must(invites.step())) add(Role::invite, invites.column_text(1), invites.column_text(0));
  auto nodes = unit_.sql("SELECT public_key, name, next_key FROM node WHERE revoked = 0");
  while (must(nodes.step())) {
    add(Role::node, nodes.column_text(1), nodes.column_text(0));
    if (!nodes.column_is_null(2)) add(Role::node, nodes.column_text(1), nodes.column_text(2));
  }
  auto admins = unit_.sql("SELECT public_key, name FROM admin_key WHERE revoked = 0");
  while (must(admins.step())) add(Role::admin, admins.column_text(1), admins.column_text(0));
  publish_(std::move(keys));
}

// Once for all that this unit commits.
void Nodes::publish_after_commit() {
  if (std::exchange(publish_due_, true)) return;
  unit_.after_commit([this] {
    publish_due_ = false;
    publish_keys();
  });
}

Result<wire::JoinToken> Nodes::invite(const std::string& node, const std::string& endpoint,
                                      const std::string& server_key, std::chrono::seconds life) {
  if (const auto known = find(node)) {
    return fail(
        Code::already_exists,
        fmt::format("node `{}` {}; choose another name", node,
                    known->revoked ? "was revoked, and a revoked name is not given out again"
                                   : "has joined already"));
  }
  SKERRY_ASSIGN(const auto key, wire::KeyPair::generate());
  const Unit::Scope scope(unit_);
  must(unit_.sql("INSERT OR REPLACE INTO invite(node, public_key, expires) VALUES(?, ?, ?)")
           .bind(1, node)
           .bind(2, key.public_key)
           .bind(3, wall_clock_seconds() + life.count())
           .run());
  SKERRY_FAILPOINT("cloud.invite.recorded");
  publish_after_commit();
  return wire::JoinToken{
      .node = node, .endpoint = endpoint, .server_key = server_key, .secret_key = key.secret_key};
}

Status Nodes::join(const std::string& node, const std::string& public_key) {
  auto invite = unit_.sql("SELECT used_by, expires FROM invite WHERE node = ?");
  invite.bind(1, node);
  if (!must(invite.step()))
    return fail(Code::permission_denied, fmt::format("there is no invitation for node `{}`", node));
  if (!invite.column_is_null(0)) {
    if (invite.column_text(0) == public_key) return {};
    return fail(Code::permission_denied, fmt::format("the token of node `{}` was used already; ask "
                                                     "for a new node with `skerry node token NAME`",
                                                     node));
  }
  if (!invite.column_is_null(1) && invite.column_int(1) <= wall_clock_seconds()) {
    return fail(Code::deadline_exceeded,
                fmt::format("the token of node `{0}` ended at {1}; ask for a new one with `skerry "
                            "node token {0}`",
                            node, wall_clock_text(invite.column_int(1))));
  }
  auto taken = unit_.sql("SELECT name FROM node WHERE public_key = ?1 OR next_key = ?1");
  taken.bind(1, public_key);
  if (must(taken.step())) {
    return fail(Code::already_exists,
                fmt::format("this key belongs to node `{}` already; each node needs a state "
                            "directory of its own",
                            taken.column_text(0)));
  }
  const Unit::Scope scope(unit_);
  must(unit_.sql("UPDATE invite SET used_by = ? WHERE node = ?")
           .bind(1, public_key)
           .bind(2, node)
           .run());
  must(unit_.sql("INSERT INTO node(name, public_key, joined) VALUES(?, ?, ?)")
           .bind(1, node)
           .bind(2, public_key)
           .bind(3, wall_clock_text())
           .run());
  audit(unit_, actor_invite(node), "node.joined", node,
        {{"key", wire::key_fingerprint(public_key)}});
  publish_after_commit();
  return {};
}

Status Nodes::revoke(const std::string& node) {
  const Unit::Scope scope(unit_);
  auto update = unit_.sql("UPDATE node SET revoked = 1 WHERE name = ?");
  must(update.bind(1, node).run());
  const bool was_node = unit_.database().changes() > 0;
  must(unit_.sql("DELETE FROM invite WHERE node = ?").bind(1, node).run());
  const bool was_invited = unit_.database().changes() > 0;
  if (!was_node && !was_invited)
    return fail(Code::not_found, fmt::format("there is no node `{}`", node));
  must(unit_.sql("DELETE FROM downlink WHERE node = ?").bind(1, node).run());
  publish_after_commit();
  return {};
}

bool Nodes::is_invited(const std::string& node) {
  auto select = unit_.sql("SELECT 1 FROM invite WHERE node = ? AND used_by IS NULL");
  select.bind(1, node);
  return must(select.step());
}

std::vector<Nodes::Node> Nodes::list() {
  std::vector<Node> nodes;
  auto select = unit_.sql("SELECT name, revoked, joined, public_key FROM node ORDER BY name");
  while (must(select.step()))
    nodes.push_back({select.column_text(0), select.column_int(1) != 0, select.column_text(2),
                     wire::key_fingerprint(select.column_text(3))});
  return nodes;
}

std::vector<Nodes::Invited> Nodes::invited() {
  std::vector<Invited> list;
  auto select = unit_.sql("SELECT node, expires FROM invite WHERE used_by IS NULL ORDER BY node");
  while (must(select.step()))
    list.push_back({select.column_text(0),
                    select.column_is_null(1) ? "" : wall_clock_text(select.column_int(1))});
  return list;
}

Status Nodes::note_key(const std::string& node, const std::string& public_key) {
  const Unit::Scope scope(unit_);
  auto known = unit_.sql(
      "SELECT 1 FROM node WHERE public_key = ?1 UNION ALL SELECT 1 FROM node WHERE next_key = ?1 "
      "AND name != ?2 UNION ALL SELECT 1 FROM invite WHERE public_key = ?1 UNION ALL SELECT 1 FROM "
      "admin_key WHERE public_key = ?1");
  known.bind(1, public_key).bind(2, node);
  if (must(known.step())) return fail(Code::already_exists, "this key is somebody's already");
  auto update = unit_.sql("UPDATE node SET next_key = ?1 WHERE name = ?2 AND next_key IS NOT ?1");
  must(update.bind(1, public_key).bind(2, node).run());
  if (unit_.database().changes() == 0) return {};
  audit(unit_, actor_node(node), "node.key_announced", node,
        {{"key", wire::key_fingerprint(public_key)}});
  publish_after_commit();
  return {};
}

void Nodes::settle_key(const std::string& node, const std::string& key) {
  auto select = unit_.sql("SELECT public_key, next_key FROM node WHERE name = ?");
  select.bind(1, node);
  if (!must(select.step()) || select.column_is_null(1)) return;
  const std::string old = select.column_text(0), next = select.column_text(1);
  select.reset();
  if (wire::key_fingerprint(next) != key) return;
  const Unit::Scope scope(unit_);
  must(unit_.sql("UPDATE node SET public_key = next_key, next_key = NULL WHERE name = ?")
           .bind(1, node)
           .run());
  audit(unit_, actor_node(node), "node.key_rotated", node,
        {{"from", wire::key_fingerprint(old)}, {"to", key}});
  publish_after_commit();
}

std::optional<Nodes::Node> Nodes::find(const std::string& name) {
  auto select = unit_.sql("SELECT name, revoked, joined, public_key FROM node WHERE name = ?");
  select.bind(1, name);
  if (!must(select.step())) return std::nullopt;
  return Node{select.column_text(0), select.column_int(1) != 0, select.column_text(2),
              wire::key_fingerprint(select.column_text(3))};
}

}  // namespace skerry::engine::cloud
