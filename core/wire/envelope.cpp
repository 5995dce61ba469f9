#include "core/wire/envelope.hpp"

#include <fmt/format.h>
#include <libdeflate.h>

#include <algorithm>
#include <array>

#include "core/base/bytes.hpp"
#include "core/base/try.hpp"
#include "core/wire/little_endian.hpp"

namespace skerry::wire {
namespace {

constexpr std::uint32_t kMagic = 0x59524b53;  // "SKRY"
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kVersionAt = 4, kTypeAt = 6, kLengthAt = 8, kCrcAt = 12, kSessionAt = 16,
                      kSeqAt = 24, kAckAt = 32, kReservedAt = 40;

bool is_question(std::span<const std::byte> header) {
  const auto type = static_cast<Type>(get_number<std::uint16_t>(header.data() + kTypeAt));
  return type == Type::predict_request || type == Type::predict_reply;
}

std::uint32_t checksum(std::span<const std::byte> whole) {
  std::array<std::byte, kHeaderSize> header;
  std::copy_n(whole.begin(), kHeaderSize, header.begin());
  put_number<std::uint32_t>(header.data() + kCrcAt, 0);
  const std::uint32_t crc = libdeflate_crc32(0, header.data(), header.size());
  auto payload = whole.subspan(kHeaderSize);
  if (is_question(header)) payload = payload.first(std::min(payload.size(), kCheckedOfQuestion));
  return libdeflate_crc32(crc, payload.data(), payload.size());
}

Status check_header(std::span<const std::byte> whole) {
  const std::byte* at = whole.data();
  if (get_number<std::uint32_t>(at) != kMagic) {
    return fail(Code::invalid_argument, "a frame does not begin with SKRY: not a Skerry peer");
  }
  if (const auto version = get_number<std::uint16_t>(at + kVersionAt); version != kVersion) {
    return fail(Code::failed_precondition,
                fmt::format("a frame has format version {}, this program reads {}: use the same "
                            "Skerry version on both sides",
                            version, kVersion));
  }
  const auto length = get_number<std::uint32_t>(at + kLengthAt);
  if (length != whole.size() - kHeaderSize) {
    return fail(Code::data_loss, fmt::format("a frame announces {} bytes of payload and has {}",
                                             length, whole.size() - kHeaderSize));
  }
  if (get_number<std::uint32_t>(at + kCrcAt) != checksum(whole)) {
    return fail(Code::data_loss, "a frame's checksum does not match its content");
  }
  if (get_number<std::uint64_t>(at + kReservedAt) != 0) {
    return fail(Code::invalid_argument, "a frame's reserved field is not zero");
  }
  return {};
}

}  // namespace

void seal_frame(const Header& header, std::span<std::byte> whole) {
  std::byte* at = whole.data();
  put_number(at, kMagic);
  put_number(at + kVersionAt, kVersion);
  put_number(at + kTypeAt, static_cast<std::uint16_t>(header.type));
  put_number(at + kLengthAt, static_cast<std::uint32_t>(whole.size() - kHeaderSize));
  put_number(at + kSessionAt, header.session);
  put_number(at + kSeqAt, header.seq);
  put_number(at + kAckAt, header.ack);
  put_number<std::uint64_t>(at + kReservedAt, 0);
  put_number(at + kCrcAt, checksum(whole));
}

std::string frame(const Header& header, std::string_view payload) {
  std::string whole;
  whole.reserve(kHeaderSize + payload.size());
  whole.append(kHeaderSize, '\0');
  whole.append(payload);
  seal_frame(header, std::as_writable_bytes(std::span(whole)));
  return whole;
}

Result<FrameView> check_frame(std::string_view bytes, std::size_t limit) {
  if (bytes.size() < kHeaderSize) {
    return fail(
        Code::invalid_argument,
        fmt::format("a frame has {} bytes, its header alone takes {}", bytes.size(), kHeaderSize));
  }
  if (bytes.size() > limit) {
    return fail(Code::invalid_argument,
                fmt::format("a frame has {} bytes, allowed are {}", bytes.size(), limit));
  }
  const auto whole = as_bytes(bytes);
  SKERRY_TRY(check_header(whole));
  FrameView view;
  view.header.type = static_cast<Type>(get_number<std::uint16_t>(whole.data() + kTypeAt));
  view.header.session = get_number<std::uint64_t>(whole.data() + kSessionAt);
  view.header.seq = get_number<std::uint64_t>(whole.data() + kSeqAt);
  view.header.ack = get_number<std::uint64_t>(whole.data() + kAckAt);
  view.payload = whole.subspan(kHeaderSize);
  return view;
}

// An array of std::byte from new is aligned for every fundamental type.
Received::Received(const FrameView& view)
    : header(view.header),
      data_(std::make_unique<std::byte[]>(view.payload.size())),
      size_(view.payload.size()) {
  std::copy(view.payload.begin(), view.payload.end(), data_.get());
}

Result<Received> parse_frame(std::string_view bytes, std::size_t limit) {
  SKERRY_ASSIGN(auto view, check_frame(bytes, limit));
  return Received(view);
}

}  // namespace skerry::wire
