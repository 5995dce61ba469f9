// What an operator hands to a new edge. The token carries a CURVE key pair of its own (its secret
// half; the public half follows from it): the cloud lets that key in for one Join and for nothing
// else.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace skerry::wire {

struct JoinToken {
  std::string node;        // the name the edge gets: a DNS label
  std::string endpoint;    // the cloud's control socket, "tcp://HOST:PORT"
  std::string server_key;  // the cloud's public key, Z85
  std::string secret_key;  // of the one-time pair, Z85

  // "skerry1." and URL-safe characters: one word in a shell. Secret.
  std::string text() const;
  // A token that was cut short or mistyped is refused: it ends in a checksum.
  static Result<JoinToken> parse(std::string_view text);
};

}  // namespace skerry::wire
