// Join tokens, which people copy and type. The input is tried as a token, and as the body of one
// whose checksum is right.
#include "core/wire/token.hpp"

#include <sodium.h>

#include <vector>

#include "core/base/digest.hpp"
#include "core/wire/keys.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace skerry::wire {
namespace {

using fuzz::require;

void check(std::string_view text) {
  const auto token = JoinToken::parse(text);
  if (!token) {
    require(!token.error().message.empty(), "a refusal says why");
    return;
  }
  const auto again = JoinToken::parse(token->text());
  require(again && again->node == token->node && again->endpoint == token->endpoint &&
              again->server_key == token->server_key && again->secret_key == token->secret_key,
          "what was accepted is written so that it is accepted");
  require(KeyPair::from_secret(token->secret_key).has_value(), "its key is one");
}

std::string with_checksum(std::string_view body) {
  const Digest digest = digest_of(as_bytes(body));
  const std::string whole =
      std::string(body) + std::string(reinterpret_cast<const char*>(digest.bytes.data()), 8);
  std::vector<char> out(
      sodium_base64_encoded_len(whole.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING));
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(whole.data()),
                    whole.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return std::string("skerry1.") + out.data();
}

}  // namespace
}  // namespace skerry::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = skerry::fuzz::Input(data, size).rest();
  skerry::wire::check(text);
  skerry::wire::check(skerry::wire::with_checksum(text));
  return 0;
}
