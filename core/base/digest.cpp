#include "core/base/digest.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "core/base/crypto.hpp"
#include "core/base/file.hpp"
#include "core/base/try.hpp"

namespace skerry {
namespace {

constexpr std::size_t kReadBlock = 1 << 20;

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

auto* native(std::byte* state) {
  return reinterpret_cast<crypto_generichash_blake2b_state*>(state);
}

const unsigned char* native(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

std::string Digest::hex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Result<Digest> Digest::from_hex(std::string_view text) {
  Digest digest;
  const bool sound = text.size() == 2 * digest.bytes.size() &&
                     std::ranges::all_of(text, [](char c) { return hex_value(c) >= 0; });
  if (!sound) {
    return fail(Code::invalid_argument,
                fmt::format("\"{}\" is no digest: 64 hexadecimal digits in lower case are wanted",
                            text.substr(0, 80)));
  }
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    digest.bytes[i] =
        static_cast<std::uint8_t>(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
  }
  return digest;
}

Result<Digest> Digest::from_bytes(Bytes bytes) {
  Digest digest;
  if (bytes.size() != digest.bytes.size()) {
    return fail(Code::invalid_argument,
                fmt::format("a digest has 32 bytes, found {}", bytes.size()));
  }
  std::memcpy(digest.bytes.data(), bytes.data(), bytes.size());
  return digest;
}

Hasher::Hasher() {
  static_assert(sizeof(crypto_generichash_blake2b_state) <= sizeof state_);
  static_assert(alignof(crypto_generichash_blake2b_state) <= alignof(Hasher));
  // Without it libsodium hashes with its slow portable code.
  static const bool started = init_sodium().has_value();
  static_cast<void>(started);
  crypto_generichash_blake2b_init(native(state_.data()), nullptr, 0, sizeof(Digest::bytes));
}

void Hasher::update(Bytes bytes) {
  crypto_generichash_blake2b_update(native(state_.data()), native(bytes), bytes.size());
}

Digest Hasher::finish() {
  Digest digest;
  crypto_generichash_blake2b_final(native(state_.data()), digest.bytes.data(), digest.bytes.size());
  return digest;
}

Digest digest_of(Bytes bytes) {
  Hasher hasher;
  hasher.update(bytes);
  return hasher.finish();
}

Result<Digest> digest_of_file(const std::filesystem::path& path) {
  SKERRY_ASSIGN(auto file, open_file(path, O_RDONLY));
  std::vector<std::byte> block(kReadBlock);
  Hasher hasher;
  while (true) {
    const ssize_t count = ::read(file.get(), block.data(), block.size());
    if (count == 0) return hasher.finish();
    if (count > 0) {
      hasher.update(Bytes(block.data(), static_cast<std::size_t>(count)));
    } else if (errno != EINTR) {
      return fail(errno_problem(errno, "read", path));
    }
  }
}

}  // namespace skerry
