#include "core/wire/chunk.hpp"

#include <fmt/format.h>

#include <cstring>

#include "core/wire/little_endian.hpp"

namespace skerry::wire {
namespace {

constexpr std::size_t kDigestSize = 32, kOffsetAt = 32, kSizeAt = 40;

}  // namespace

void seal_chunk(const Header& header, const Digest& digest, std::uint64_t offset,
                std::uint64_t size, std::span<std::byte> whole) {
  std::byte* at = whole.data() + kHeaderSize;
  std::memcpy(at, digest.bytes.data(), kDigestSize);
  put_number(at + kOffsetAt, offset);
  put_number(at + kSizeAt, size);
  seal_frame(header, whole);
}

Result<Chunk> parse_chunk(Bytes payload) {
  if (payload.size() < kChunkHeaderSize || payload.size() > kChunkHeaderSize + kChunkSize) {
    return fail(Code::invalid_argument,
                fmt::format("a chunk has {} bytes, allowed are {} to {}", payload.size(),
                            kChunkHeaderSize, kChunkHeaderSize + kChunkSize));
  }
  Chunk chunk;
  std::memcpy(chunk.digest.bytes.data(), payload.data(), kDigestSize);
  chunk.offset = get_number<std::uint64_t>(payload.data() + kOffsetAt);
  chunk.size = get_number<std::uint64_t>(payload.data() + kSizeAt);
  chunk.data = payload.subspan(kChunkHeaderSize);
  if (chunk.offset > chunk.size || chunk.data.size() > chunk.size - chunk.offset) {
    return fail(Code::invalid_argument,
                fmt::format("a chunk of {} bytes at {} lies outside its blob of {} bytes",
                            chunk.data.size(), chunk.offset, chunk.size));
  }
  return chunk;
}

}  // namespace skerry::wire
