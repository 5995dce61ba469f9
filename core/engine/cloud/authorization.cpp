#include "core/engine/cloud/authorization.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/base/json.hpp"
#include "core/base/try.hpp"
#include "core/engine/audit.hpp"
#include "core/wire/keys.hpp"

namespace skerry::engine::cloud {
namespace {

// What an upload may be larger than what its task was given: headers, other types of numbers.
constexpr std::uint64_t kRoomBeside = 64u << 20;

constexpr std::string_view kNodePrefix = "node:", kInvitePrefix = "join:", kAdminPrefix = "admin:";

using Rule = Status (*)(Unit&, const Caller&, const Deed&);

tl::unexpected<Problem> deny(std::string why) {
  return fail(Code::permission_denied, std::move(why));
}

// ---- rules for messages

Status its_own_name(Unit&, const Caller& caller, const Deed& deed) {
  if (deed.node == caller.name) return {};
  return deny(fmt::format("this {} is for node `{}`, not `{}`",
                          caller.role == Role::invite ? "token" : "key", caller.name, deed.node));
}

// With a key that is the node's now: a connection can outlive the right to it.
Status its_own_name_and_key(Unit& unit, const Caller& caller, const Deed& deed) {
  SKERRY_TRY(its_own_name(unit, caller, deed));
  if (caller.key.empty()) return {};
  auto keys = unit.sql("SELECT public_key, coalesce(next_key, '') FROM node WHERE name = ?");
  keys.bind(1, caller.name);
  if (must(keys.step()))
    for (const int column : {0, 1})
      if (wire::key_fingerprint(keys.column_text(column)) == caller.key) return {};
  return deny(
      fmt::format("the key {} of node `{}` was replaced by another one", caller.key, caller.name));
}

Status any(Unit&, const Caller&, const Deed&) {
  return {};
}

// "NAME.ID", as nodes know a job.
std::optional<std::int64_t> job_id(const std::string& key) {
  const auto dot = key.rfind('.');
  std::int64_t id = 0;
  if (dot == std::string::npos) return std::nullopt;
  const auto [end, error] = std::from_chars(key.data() + dot + 1, key.data() + key.size(), id);
  if (error != std::errc() || end != key.data() + key.size()) return std::nullopt;
  return id;
}

// A task that it has, or had. One that is not known any more is nobody's: the answer will be that
// nobody waits for it.
Status task_not_anothers(Unit& unit, const Caller& caller, const Deed& deed) {
  if (deed.task == nullptr) return deny("the message names no task");
  const auto id = job_id(deed.task->job);
  if (!id) return {};
  auto owner = unit.sql("SELECT node FROM task WHERE job = ? AND id = ?");
  owner.bind(1, *id).bind(2, deed.task->task);
  if (!must(owner.step()) || owner.column_text(0) == caller.name) return {};
  return deny(fmt::format("task {} of job {} was not given to node {}", deed.task->task,
                          deed.task->job, caller.name));
}

Status its_open_task(Unit& unit, const Caller& caller, const Deed& deed) {
  if (deed.task == nullptr) return deny("the message names no task");
  const auto id = job_id(deed.task->job);
  if (id) {
    auto open =
        unit.sql("SELECT 1 FROM task WHERE job = ? AND id = ? AND node = ? AND state = 'open'");
    open.bind(1, *id).bind(2, deed.task->task).bind(3, caller.name);
    if (must(open.step())) return {};
  }
  return deny(fmt::format("node {} has no open task {} of job {}", caller.name, deed.task->task,
                          deed.task->job));
}

// What its open tasks take in, and the files that were shipped with their jobs.
Status named_by_its_open_tasks(Unit& unit, const Caller& caller, const Deed& deed) {
  if (deed.digest != nullptr) {
    const std::string hex = deed.digest->hex();
    auto open = unit.sql("SELECT job, inputs FROM task WHERE node = ? AND state = 'open'");
    open.bind(1, caller.name);
    while (must(open.step())) {
      if (open.column_text(1).find(hex) != std::string::npos) return {};
      auto shipped =
          unit.sql("SELECT 1 FROM artifact WHERE job = ? AND digest = ? AND shipped = 1");
      shipped.bind(1, open.column_int(0)).bind(2, *deed.digest);
      if (must(shipped.step())) return {};
    }
  }
  return deny("no open task of this node refers to this artifact");
}

std::uint64_t largest_named(Unit& unit, const std::string& digests) {
  std::uint64_t largest = 0;
  const auto named = parse_json(digests);
  if (!named || !named->is_object()) return 0;
  for (const auto& [name, hex] : named->items()) {
    const auto digest = Digest::from_hex(hex.is_string() ? hex.get<std::string>() : "");
    if (!digest) continue;
    auto size = unit.sql("SELECT size FROM blob WHERE digest = ?");
    size.bind(1, *digest);
    if (must(size.step()))
      largest = std::max(largest, static_cast<std::uint64_t>(size.column_int(0)));
  }
  return largest;
}

// Something while it has an open task, and nothing that is out of proportion to that task, when it
// is known what its outputs look like.
Status fits_its_open_tasks(Unit& unit, const Caller& caller, const Deed& deed) {
  std::optional<std::uint64_t> most;
  auto open = unit.sql("SELECT inputs, expects FROM task WHERE node = ? AND state = 'open'");
  open.bind(1, caller.name);
  while (must(open.step())) {
    if (open.column_text(1) == "{}") return {};
    const auto largest = std::max(largest_named(unit, open.column_text(0)),
                                  largest_named(unit, open.column_text(1)));
    most = std::max(most.value_or(0), 2 * largest + kRoomBeside);
  }
  if (!most) return deny("this node has no open task");
  if (deed.size <= *most) return {};
  return fail(Code::invalid_argument,
              fmt::format("{} bytes are too many: the open tasks of this node may store artifacts "
                          "of up to {} bytes, "
                          "which is twice the largest one that they name, and {} more",
                          deed.size, *most, kRoomBeside));
}

// ---- the tables

struct MessageRow {
  Role role;
  wire::Type type;
  Rule rule;
};

constexpr MessageRow kMessages[] = {
    {Role::invite, wire::Type::join, its_own_name},
    {Role::node, wire::Type::hello, its_own_name_and_key},
    {Role::node, wire::Type::new_key, any},
    {Role::node, wire::Type::ping, any},
    {Role::node, wire::Type::bye, any},
    {Role::node, wire::Type::pong, any},
    {Role::node, wire::Type::ack, any},
    {Role::node, wire::Type::task_reported, its_open_task},
    {Role::node, wire::Type::task_finished, task_not_anothers},
    {Role::node, wire::Type::task_failed, task_not_anothers},
    {Role::node, wire::Type::blob_get, named_by_its_open_tasks},
    {Role::node, wire::Type::blob_put, fits_its_open_tasks},
};

struct VerbRow {
  std::string_view verb;
  bool operator_;
  bool admin;  // nothing that writes on the cloud's disk where the caller says, or ends the host
};

constexpr VerbRow kVerbs[] = {
    {"ping", true, true},
    {"status", true, true},
    {"get", true, true},
    {"describe", true, true},
    {"logs", true, true},
    {"watch", true, true},
    {"apply", true, true},
    {"signal", true, true},
    {"delete", true, true},
    {"node.ls", true, true},
    {"node.token", true, true},
    {"node.revoke", true, true},
    {"node.rotate", true, true},
    {"audit.ls", true, true},
    {"audit.head", true, true},
    {"model.export", true, false},
    {"shutdown", true, false},
    {"admin.key", true, false},
    {"admin.ls", true, false},
    {"admin.revoke", true, false},
    {"plugin.quarantined", true, true},
    {"plugin.allow", true, false},
    {"backup", true, false},
};

const MessageRow* find(Role role, wire::Type type) {
  const auto* row = std::find_if(std::begin(kMessages), std::end(kMessages),
                                 [&](const auto& r) { return r.role == role && r.type == type; });
  return row == std::end(kMessages) ? nullptr : row;
}

bool is_active_admin(Unit& unit, const std::string& name) {
  auto select = unit.sql("SELECT 1 FROM admin_key WHERE name = ? AND revoked = 0");
  select.bind(1, name);
  return must(select.step());
}

}  // namespace

std::string Caller::actor() const {
  switch (role) {
    case Role::invite:
      return actor_invite(name);
    case Role::node:
      return actor_node(name);
    case Role::admin:
      return "admin:" + name;
    case Role::operator_:
      return kActorOperator;
  }
  return "unknown";
}

std::string user_id(Role role, const std::string& name, const std::string& key) {
  return std::string(role == Role::node     ? kNodePrefix
                     : role == Role::invite ? kInvitePrefix
                                            : kAdminPrefix) +
         name + (key.empty() ? "" : "/" + key);
}

std::optional<Caller> parse_user_id(const std::string& user) {
  for (const auto& [prefix, role] :
       {std::pair{kNodePrefix, Role::node}, std::pair{kInvitePrefix, Role::invite},
        std::pair{kAdminPrefix, Role::admin}}) {
    if (!user.starts_with(prefix)) continue;
    const std::string name = user.substr(prefix.size());
    const auto slash = name.find('/');
    return Caller{role, name.substr(0, slash),
                  slash == std::string::npos ? "" : name.substr(slash + 1)};
  }
  return std::nullopt;
}

bool is_listed(Role role, wire::Type type) {
  return find(role, type) != nullptr;
}

Status authorize(Unit& unit, const Caller& caller, const Deed& deed) {
  const MessageRow* row = find(caller.role, deed.type);
  if (row == nullptr) {
    return deny(fmt::format("{} may not send messages of type {}", caller.actor(),
                            static_cast<int>(deed.type)));
  }
  if (caller.role == Role::node && !is_active_node(unit, caller.name))
    return deny(fmt::format("there is no node `{}`, or it was revoked", caller.name));
  return row->rule(unit, caller, deed);
}

Status authorize(Unit& unit, const Caller& caller, std::string_view verb) {
  const auto* row = std::find_if(std::begin(kVerbs), std::end(kVerbs),
                                 [&](const VerbRow& r) { return r.verb == verb; });
  const bool known = row != std::end(kVerbs);
  if (known && caller.role == Role::operator_ && row->operator_) return {};
  if (known && caller.role == Role::admin && row->admin) {
    if (is_active_admin(unit, caller.name)) return {};
    return deny(fmt::format("the admin key `{}` was revoked", caller.name));
  }
  if (known && caller.role == Role::admin) {
    return deny(
        fmt::format("`{}` is not done with an admin key from afar: run the command on the "
                    "cloud's machine, as its user",
                    verb));
  }
  return deny(fmt::format("{} may not do `{}`", caller.actor(), verb));
}

bool is_active_node(Unit& unit, const std::string& name) {
  auto select = unit.sql("SELECT 1 FROM node WHERE name = ? AND revoked = 0");
  select.bind(1, name);
  return must(select.step());
}

}  // namespace skerry::engine::cloud
