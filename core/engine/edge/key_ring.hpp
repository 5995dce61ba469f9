// The node's own key, and the one that is to take its place.
//
// A new key is made and stored before the cloud hears of it, and takes the old one's place only
// when the cloud has welcomed it. So at any moment the cloud knows one of those that are stored
// here, whatever died meanwhile; a Link that is refused with one tries the other.
#pragma once

#include <filesystem>
#include <optional>

#include "core/base/result.hpp"
#include "core/wire/keys.hpp"

namespace skerry::engine::edge {

class KeyRing {
 public:
  // The key in `file`, which is made when there is none; its successor, if any, lies beside it.
  static Result<KeyRing> open(const std::filesystem::path& file);
  // In memory only.
  KeyRing(wire::KeyPair key) : key_(std::move(key)) {}

  const wire::KeyPair& key() const { return key_; }
  const std::optional<wire::KeyPair>& successor() const { return successor_; }

  // Makes a successor, durably; keeps the one that there is.
  Status prepare();
  // The successor takes the key's place, durably.
  Status promote();

 private:
  wire::KeyPair key_;
  std::optional<wire::KeyPair> successor_;
  std::filesystem::path file_;  // empty: nothing is stored
};

}  // namespace skerry::engine::edge
