#include "core/wire/token.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/digest.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/names.hpp"

namespace skerry::wire {
namespace {

constexpr std::string_view kPrefix = "skerry1.";
constexpr std::size_t kChecksumSize = 8;
constexpr std::size_t kMaxToken = 2048;
constexpr int kAlphabet = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

std::string checksum_of(std::string_view body) {
  const Digest digest = digest_of(as_bytes(body));
  return {reinterpret_cast<const char*>(digest.bytes.data()), kChecksumSize};
}

tl::unexpected<Problem> refuse(std::string_view why) {
  return fail(Code::invalid_argument,
              fmt::format("this is no join token: {}; copy the whole line that `skerry node token` "
                          "printed, it begins with {}",
                          why, kPrefix));
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  for (;;) {
    const auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == text.npos) return lines;
    text.remove_prefix(end + 1);
  }
}

Result<std::string> decode_base64(std::string_view text) {
  std::string out(text.size(), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                        text.size(), nullptr, &size, nullptr, kAlphabet) != 0) {
    return refuse("it holds characters that do not belong to it, or was cut short");
  }
  out.resize(size);
  return out;
}

}  // namespace

std::string JoinToken::text() const {
  const std::string body = fmt::format("{}\n{}\n{}\n{}", node, endpoint, server_key, secret_key);
  const std::string whole = body + checksum_of(body);
  std::vector<char> out(sodium_base64_encoded_len(whole.size(), kAlphabet));
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(whole.data()),
                    whole.size(), kAlphabet);
  return std::string(kPrefix) + out.data();
}

Result<JoinToken> JoinToken::parse(std::string_view text) {
  if (text.size() > kMaxToken || !text.starts_with(kPrefix)) return refuse("it begins otherwise");
  const auto whole = decode_base64(text.substr(kPrefix.size()));
  if (!whole) return fail(whole.error());
  if (whole->size() <= kChecksumSize) return refuse("it was cut short");
  const std::string_view all = *whole;
  const auto body = all.substr(0, all.size() - kChecksumSize);
  if (all.substr(body.size()) != checksum_of(body)) return refuse("its checksum does not match");
  const auto lines = split_lines(body);
  if (lines.size() != 4) return refuse("it has the wrong number of parts");
  JoinToken token{lines[0], lines[1], lines[2], lines[3]};
  if (!is_node_name(token.node)) return refuse("its node name is malformed");
  if (!is_tcp_endpoint(token.endpoint)) return refuse("its endpoint is not tcp://HOST:PORT");
  if (!is_z85_key(token.server_key) || !is_z85_key(token.secret_key)) {
    return refuse("its keys are malformed");
  }
  return token;
}

}  // namespace skerry::wire
