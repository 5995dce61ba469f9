// Which nodes there are, and which keys may connect as whom: those of nodes, tokens and admins.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/engine/cloud/authorization.hpp"
#include "core/engine/unit.hpp"
#include "core/wire/token.hpp"

namespace skerry::engine::cloud {

class Nodes {
 public:
  struct Node {
    std::string name;
    bool revoked = false;
    std::string joined;
    std::string key;  // fingerprint
  };
  struct Invited {
    std::string node;
    std::string expires;  // date and time; empty: never
  };

  // Lets exactly these keys in: public key (Z85), user id.
  using Publish = std::function<void(std::map<std::string, std::string> keys)>;

  Nodes(Unit& unit, Publish publish) : unit_(unit), publish_(std::move(publish)) {}

  // Lets the known keys in. Call at start and after each change.
  void publish_keys();

  // A token for a new node, or a new token for one that has not used its own yet. `life`: by the
  // wall clock, in which people agree on such things.
  static constexpr std::chrono::seconds kTokenLife{24 * 3600};
  Result<wire::JoinToken> invite(const std::string& node, const std::string& endpoint,
                                 const std::string& server_key,
                                 std::chrono::seconds life = kTokenLife);
  // Consumes the invitation. The same node may ask again with the same key: the first answer can
  // get lost.
  Status join(const std::string& node, const std::string& public_key);
  Status revoke(const std::string& node);

  // The node, in a session of its own, announces the key that it will use: both are let in from now
  // on. Again with the same key: nothing changes.
  Status note_key(const std::string& node, const std::string& public_key);
  // The node greeted with this key (its fingerprint): if it is the one that was noted, the old one
  // is let in no more.
  void settle_key(const std::string& node, const std::string& key);

  std::vector<Node> list();
  std::vector<Invited> invited();
  bool is_invited(const std::string& node);  // with a token that was not used yet
  std::optional<Node> find(const std::string& name);

 private:
  void publish_after_commit();

  Unit& unit_;
  Publish publish_;
  bool publish_due_ = false;
};

}  // namespace skerry::engine::cloud
