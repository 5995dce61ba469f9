// CURVE identity: a key pair a node, in Z85 (40 printable characters a key).
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace skerry::wire {

struct KeyPair {
  std::string public_key;
  std::string secret_key;

  static Result<KeyPair> generate();
  // The file holds the secret key only, mode 0600. A file that others may read or write is refused.
  static Result<KeyPair> load_or_create(const std::filesystem::path& path);
  static Result<KeyPair> from_secret(std::string_view secret_key);
  static Result<std::string> public_of(std::string_view secret_key);
};

// 40 characters of the Z85 alphabet that stand for 32 bytes.
bool is_z85_key(std::string_view text);

// Names a public key to people: 32 hexadecimal digits of its BLAKE2b-256.
std::string key_fingerprint(std::string_view public_key);

}  // namespace skerry::wire
