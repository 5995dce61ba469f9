// The checksum of frames: CRC-32 as zlib computes it, faster where the processor can multiply
// without carries: a bulk chunk is summed on both sides. Internal to core/wire.
#pragma once

#include <cstdint>

#include "core/base/bytes.hpp"

namespace skerry::wire {

// Goes on from `crc`; 0 at the beginning.
std::uint32_t crc32(std::uint32_t crc, Bytes data);

}  // namespace skerry::wire
