// The frame around every message, as it comes from a socket.
#include "core/wire/envelope.hpp"

#include <zlib.h>

#include <cstring>

#include "tests/fuzz/fuzz.hpp"

namespace skerry::wire {
namespace {

using fuzz::require;

void check(std::string_view bytes, std::size_t limit) {
  const auto view = check_frame(bytes, limit);
  const auto received = parse_frame(bytes, limit);
  require(view.has_value() == received.has_value(), "both readers agree");
  if (!view) return;
  require(bytes.size() <= limit, "the limit is kept");
  const std::string_view payload(reinterpret_cast<const char*>(view->payload.data()),
                                 view->payload.size());
  require(frame(view->header, payload) == bytes, "an accepted frame is the one we would write");
  require(std::ranges::equal(received->payload(), view->payload), "the copy is faithful");
}

// Gets past the length and the checksum, which no fuzzer guesses.
std::string mended(std::string_view bytes) {
  std::string whole(bytes);
  if (whole.size() < kHeaderSize) return whole;
  const auto length = static_cast<std::uint32_t>(whole.size() - kHeaderSize);
  std::memcpy(whole.data() + 8, &length, 4);
  std::memset(whole.data() + 12, 0, 4);
  const auto crc = static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(whole.data()), whole.size()));
  std::memcpy(whole.data() + 12, &crc, 4);
  return whole;
}

}  // namespace
}  // namespace skerry::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace skerry::wire;
  skerry::fuzz::Input input(data, size);
  const std::size_t limit = kHeaderSize + 2 * input.byte();
  const auto bytes = input.rest();
  check(bytes, limit);
  check(mended(bytes), limit);
  return 0;
}
