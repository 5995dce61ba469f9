// The payload of blob_chunk and blob_put_chunk: no FlatBuffer, so that 256 KiB of data is never
// copied to be checked.
//
//   0 digest (32 bytes) | 32 offset u64 | 40 size of the whole blob u64 | 48 data, at most
//   kChunkSize
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/bytes.hpp"
#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/wire/envelope.hpp"

namespace skerry::wire {

inline constexpr std::size_t kChunkHeaderSize = 48;
inline constexpr std::size_t kChunkDataOffset = kHeaderSize + kChunkHeaderSize;  // in the frame

struct Chunk {
  Digest digest;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // of the whole blob
  Bytes data;              // borrowed from the frame
};

// Writes both headers of a frame of kChunkDataOffset bytes and the data, which is already in place.
void seal_chunk(const Header& header, const Digest& digest, std::uint64_t offset,
                std::uint64_t size, std::span<std::byte> whole);

// The data lies within the blob and has at most kChunkSize bytes.
Result<Chunk> parse_chunk(Bytes payload);

}  // namespace skerry::wire
