// Who may do what. What no row of the two tables in authorization.cpp allows is refused: a message
// type or a verb that was added and forgotten there reaches nothing.
//
// A caller is known by what the socket says of the connection, never by what a message says: over
// TCP that is the user id which ZAP gives to a CURVE key; on the local socket it is the peer's user
// (the host's own, or root: see wire/sockets.cpp), in a directory that only its owner can change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/engine/unit.hpp"
#include "core/wire/messages.hpp"

namespace skerry::engine::cloud {

enum class Role {
  invite,  // whoever holds a token; `name` is the node that it is for
  node,
  admin,     // whoever holds an admin key, from anywhere
  operator_  // on the cloud's own machine
};

struct Caller {
  Role role;
  std::string name;      // of the node or the admin key; empty for the operator
  std::string key = {};  // fingerprint of the key that was let in; empty where there is none

  std::string actor() const;  // as the audit log names it
};

// The user id that ZAP gives to a connection: "node:NAME/KEY", with the key's fingerprint, so that
// connections of a key that is not let in any more can be told and cut.
std::string user_id(Role role, const std::string& name, const std::string& key = {});
std::optional<Caller> parse_user_id(const std::string& user);

// What a message would do, as far as rules look at it.
struct Deed {
  wire::Type type;
  std::string node = {};                // that it names
  const wire::TaskKey* task = nullptr;  // that it names
  const Digest* digest = nullptr;       // to be read or stored
  std::uint64_t size = 0;               // to be stored
};

// Is there any rule that lets this role send this type? Costs nothing: for every message.
bool is_listed(Role role, wire::Type type);
// May this very deed be done now? Looks into the database.
Status authorize(Unit& unit, const Caller& caller, const Deed& deed);
// May this caller use an operator's verb?
Status authorize(Unit& unit, const Caller& caller, std::string_view verb);

// Joined, and not revoked.
bool is_active_node(Unit& unit, const std::string& name);

}  // namespace skerry::engine::cloud
