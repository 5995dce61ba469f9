// BLAKE2b-256: the name of every blob.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/bytes.hpp"
#include "core/base/result.hpp"

namespace skerry {

struct Digest {
  std::array<std::uint8_t, 32> bytes{};

  std::string hex() const;  // 64 lower-case digits
  static Result<Digest> from_hex(std::string_view text);
  static Result<Digest> from_bytes(Bytes bytes);  // exactly 32 of them
  Bytes view() const { return std::as_bytes(std::span(bytes)); }

  auto operator<=>(const Digest&) const = default;
};

// For a stream. finish() once; the hasher is of no use afterwards.
class Hasher {
 public:
  Hasher();
  void update(Bytes bytes);
  Digest finish();

 private:
  // libsodium's crypto_generichash_state, kept out of this header: 384 bytes, aligned to 64.
  alignas(64) std::array<std::byte, 384> state_;
};

Digest digest_of(Bytes bytes);
Result<Digest> digest_of_file(const std::filesystem::path& path);

}  // namespace skerry

template <>
struct std::hash<skerry::Digest> {
  std::size_t operator()(const skerry::Digest& digest) const noexcept {
    std::size_t value;
    std::memcpy(&value, digest.bytes.data(), sizeof value);
    return value;
  }
};
