#include "core/wire/envelope.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstring>
#include <string>

#include "core/wire/chunk.hpp"
#include "tests/unit/wire/samples.hpp"

namespace skerry::wire {
namespace {

TEST(Envelope, CarriesHeaderAndPayload) {
  const auto bytes = frame(Header{Type::task_finished, 1, 2, 3}, "payload");
  ASSERT_EQ(bytes.size(), kHeaderSize + 7);
  EXPECT_EQ(bytes.substr(0, 4), "SKRY");
  const auto received = parse_frame(bytes, kControlLimit).value();
  EXPECT_EQ(received.header.type, Type::task_finished);
  EXPECT_EQ(received.header.session, 1u);
  EXPECT_EQ(received.header.seq, 2u);
  EXPECT_EQ(received.header.ack, 3u);
  EXPECT_EQ(as_text(received.payload()), "payload");
}

TEST(Envelope, CarriesAnEmptyPayload) {
  const auto received = parse_frame(frame(Header{Type::ping}), kControlLimit).value();
  EXPECT_EQ(received.header.type, Type::ping);
  EXPECT_TRUE(received.payload().empty());
}

TEST(Envelope, GivesAnAlignedPayloadWhereverTheFrameLies) {
  const auto bytes = frame(0, 0, 0, ForgetJob{"digits"});
  for (std::size_t shift = 0; shift < 8; ++shift) {
    const std::string moved = std::string(shift, 'x') + bytes;
    const auto received = parse_frame(std::string_view(moved).substr(shift), kControlLimit).value();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(received.payload().data()) % 8, 0u);
  }
}

TEST(Envelope, HasTheChecksumThatZlibComputes) {
  for (const std::size_t size : {0, 1, 15, 16, 64, 1000, 4099}) {
    std::string bytes = frame(Header{Type::ping, 1, 2, 3}, std::string(size, 's'));
    std::uint32_t sum = 0;
    std::memcpy(&sum, bytes.data() + 12, sizeof sum);
    std::memset(bytes.data() + 12, 0, sizeof sum);
    EXPECT_EQ(sum, crc32_z(0, reinterpret_cast<const ::Bytef*>(bytes.data()), bytes.size()));
  }
}

TEST(Envelope, RefusesEveryTruncation) {
  for_each_sample([](const auto& sample) {
    const auto bytes = frame(1, 2, 3, sample);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      ASSERT_FALSE(parse_frame(std::string_view(bytes).substr(0, size), kControlLimit)) << size;
    }
  });
}

TEST(Envelope, RefusesEverySingleBitFlip) {
  for_each_sample([](const auto& sample) {
    auto bytes = frame(1, 2, 3, sample);
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
      ASSERT_FALSE(check_frame(bytes, kControlLimit)) << bit;
      bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    }
  });
}

TEST(Envelope, RefusesWhatIsLargerThanItsLimit) {
  const std::string payload(kControlLimit - kHeaderSize, 'x');
  EXPECT_TRUE(parse_frame(frame(Header{Type::ping}, payload), kControlLimit));
  const auto refused = parse_frame(frame(Header{Type::ping}, payload + "x"), kControlLimit);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::invalid_argument);
  EXPECT_NE(refused.error().message.find("65536"), std::string::npos) << refused.error().text();
}

TEST(Envelope, RefusesTrailingBytesAndOtherProtocols) {
  EXPECT_FALSE(parse_frame(frame(Header{Type::ping}, "x") + "y", kControlLimit));
  EXPECT_FALSE(parse_frame(std::string(100, '\0'), kControlLimit));
  EXPECT_FALSE(parse_frame("GET / HTTP/1.1\r\nHost: skerry.example.org\r\nAccept: */*\r\n\r\n",
                           kControlLimit));
}

std::string chunk_frame(std::uint64_t offset, std::uint64_t size, std::string_view data) {
  std::string bytes(kChunkDataOffset, '\0');
  bytes += data;
  seal_chunk({Type::blob_chunk, 0, 5}, sample_digest("chunk"), offset, size,
             std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

TEST(Chunk, CarriesDigestOffsetSizeAndData) {
  const auto bytes = chunk_frame(100, 1000, "hello");
  const auto view = check_frame(bytes, kBulkLimit).value();
  EXPECT_EQ(view.header.type, Type::blob_chunk);
  EXPECT_EQ(view.header.seq, 5u);
  const auto chunk = parse_chunk(view.payload).value();
  EXPECT_EQ(chunk.digest, sample_digest("chunk"));
  EXPECT_EQ(chunk.offset, 100u);
  EXPECT_EQ(chunk.size, 1000u);
  EXPECT_EQ(as_text(chunk.data), "hello");
}

TEST(Chunk, MustLieWithinItsBlob) {
  const auto parse = [](const std::string& bytes) {
    return parse_chunk(check_frame(bytes, kBulkLimit).value().payload);
  };
  EXPECT_TRUE(parse(chunk_frame(995, 1000, "hello")));
  EXPECT_FALSE(parse(chunk_frame(996, 1000, "hello")));
  EXPECT_FALSE(parse(chunk_frame(1001, 1000, "")));
  EXPECT_FALSE(parse(chunk_frame(~std::uint64_t{0}, 1000, "hello")));
  EXPECT_TRUE(parse(chunk_frame(0, kChunkSize + 1, std::string(kChunkSize, 'x'))));
  EXPECT_FALSE(parse(chunk_frame(0, kChunkSize + 1, std::string(kChunkSize + 1, 'x'))));
  EXPECT_FALSE(parse_chunk(as_bytes(std::string_view("short"))));
}

}  // namespace
}  // namespace skerry::wire
