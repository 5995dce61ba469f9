#include "core/base/digest.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "core/base/file.hpp"

namespace skerry {
namespace {

// Python: hashlib.blake2b(b"abc", digest_size=32).hexdigest()
constexpr const char* kAbc = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319";
constexpr const char* kEmpty = "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8";

TEST(Digest, IsBlake2bWith256Bits) {
  EXPECT_EQ(digest_of(as_bytes("abc")).hex(), kAbc);
  EXPECT_EQ(digest_of({}).hex(), kEmpty);
}

TEST(Digest, IsTheSameInOnePieceInManyAndFromAFile) {
  std::string text(3'000'017, '\0');
  std::mt19937 random(7);
  for (char& c : text) c = static_cast<char>(random());
  Hasher hasher;
  for (std::size_t at = 0; at < text.size(); at += 4099) {
    hasher.update(as_bytes(std::string_view(text).substr(at, 4099)));
  }
  const auto directory = TempDir::create().value();
  ASSERT_TRUE(write_file_durably(directory.path() / "file", text));
  const Digest whole = digest_of(as_bytes(text));
  EXPECT_EQ(hasher.finish(), whole);
  EXPECT_EQ(digest_of_file(directory.path() / "file"), whole);
}

TEST(Digest, ComesBackFromItsHexadecimalText) {
  const Digest digest = digest_of(as_bytes("abc"));
  EXPECT_EQ(Digest::from_hex(digest.hex()), digest);
  EXPECT_EQ(Digest::from_bytes(digest.view()), digest);
}

TEST(Digest, RefusesTextThatIsNone) {
  const std::string good = kAbc;
  std::string letter = good;
  letter[0] = 'g';
  std::string capital = good;
  capital[0] = 'B';
  for (const std::string& bad :
       {std::string(), good.substr(1), good + "0", letter, capital, std::string(64, ' ')}) {
    EXPECT_FALSE(Digest::from_hex(bad)) << bad;
  }
  EXPECT_FALSE(Digest::from_bytes(as_bytes("short")));
}

TEST(Digest, OfAMissingFileNamesTheFile) {
  const auto digest = digest_of_file("/nonexistent/model");
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().code, Code::not_found);
  EXPECT_EQ(digest.error().where, "/nonexistent/model");
}

}  // namespace
}  // namespace skerry
