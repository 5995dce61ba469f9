// The frame around every message: a fixed little-endian header of 48 bytes, then the payload.
//
//   0 magic "SKRY" | 4 version u16 | 6 type u16 | 8 payload length u32 | 12 crc32 u32
//   16 session u64 | 24 seq u64 | 32 ack u64 | 40 reserved u64, zero
//
// The crc is CRC-32 (IEEE 802.3, as of zlib) of the whole frame with the crc field as zero. Of a
// question to a service or its answer only the first kCheckedOfQuestion bytes of payload count:
// what they are about passes through many hands that do not look at it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/wire/messages.hpp"

namespace skerry::wire {

inline constexpr std::size_t kHeaderSize = 48;
inline constexpr std::size_t kCheckedOfQuestion = 4096;

// Whole frames, header included.
inline constexpr std::size_t kControlLimit = 64 * 1024;       // between cloud and edge
inline constexpr std::size_t kBulkLimit = 512 * 1024;         // bulk socket
inline constexpr std::size_t kAdminLimit = 2 * 1024 * 1024;   // to a cloud from an admin key
inline constexpr std::size_t kLocalLimit = 64 * 1024 * 1024;  // ipc on one machine

struct Header {
  Type type = Type::ping;
  std::uint64_t session = 0;
  std::uint64_t seq = 0;
  std::uint64_t ack = 0;
};

std::string frame(const Header& header, std::string_view payload = {});

template <class Message>
std::string frame(std::uint64_t session, std::uint64_t seq, std::uint64_t ack,
                  const Message& message) {
  return frame(Header{Message::type, session, seq, ack}, encode(message));
}

// Writes the header over the first kHeaderSize bytes of a frame whose payload is already in place.
void seal_frame(const Header& header, std::span<std::byte> whole);

// A frame that passed the checks of form; `payload` borrows from the bytes that were checked and
// may be misaligned.
struct FrameView {
  Header header;
  std::span<const std::byte> payload;
};

// Problems: failed_precondition (of another version), invalid_argument (not of this protocol, or
// too large), data_loss (the crc does not match).
Result<FrameView> check_frame(std::string_view bytes, std::size_t limit);

struct Received {
  Header header;
  std::span<const std::byte> payload() const { return {data_.get(), size_}; }

  // What decode() wants: the payload in memory of its own, aligned to 8 bytes at least.
  explicit Received(const FrameView& view);

 private:
  std::unique_ptr<std::byte[]> data_;
  std::size_t size_;
};

// check_frame, and a copy of the payload.
Result<Received> parse_frame(std::string_view bytes, std::size_t limit);

}  // namespace skerry::wire
