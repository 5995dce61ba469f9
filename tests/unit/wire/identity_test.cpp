// Keys and join tokens.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/base/file.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/token.hpp"

namespace skerry::wire {
namespace {

TEST(KeyPair, IsNewEachTime) {
  const auto one = KeyPair::generate().value();
  const auto other = KeyPair::generate().value();
  EXPECT_TRUE(is_z85_key(one.public_key));
  EXPECT_TRUE(is_z85_key(one.secret_key));
  EXPECT_NE(one.secret_key, other.secret_key);
  EXPECT_EQ(KeyPair::public_of(one.secret_key).value(), one.public_key);
  EXPECT_FALSE(KeyPair::public_of("too short"));
}

TEST(KeyPair, IsCreatedOnceAndPrivate) {
  const auto dir = TempDir::create().value();
  const auto path = dir.path() / "secret.key";
  const auto first = KeyPair::load_or_create(path).value();
  struct stat info;
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  const auto second = KeyPair::load_or_create(path).value();
  EXPECT_EQ(first.public_key, second.public_key);
  EXPECT_EQ(first.secret_key, second.secret_key);
}

TEST(KeyPair, RefusesAFileThatOthersMayRead) {
  const auto dir = TempDir::create().value();
  const auto path = dir.path() / "secret.key";
  ASSERT_TRUE(KeyPair::load_or_create(path));
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  const auto refused = KeyPair::load_or_create(path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::failed_precondition);
  EXPECT_NE(refused.error().message.find("chmod 600"), std::string::npos);
}

TEST(KeyPair, RefusesAFileThatHoldsNoKey) {
  const auto dir = TempDir::create().value();
  for (const std::string content : {"", "hello\n", "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"}) {
    const auto path = dir.path() / "secret.key";
    ASSERT_TRUE(write_file_durably(path, std::string_view(content)));
    const auto refused = KeyPair::load_or_create(path);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().where, path.string());
  }
}

JoinToken sample() {
  return {"edge-1", "tcp://cloud.example.org:7401", KeyPair::generate()->public_key,
          KeyPair::generate()->secret_key};
}

TEST(JoinToken, RoundTrips) {
  const JoinToken token = sample();
  const std::string text = token.text();
  EXPECT_EQ(text.substr(0, 8), "skerry1.");
  EXPECT_EQ(
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
      std::string::npos);
  const auto parsed = JoinToken::parse(text).value();
  EXPECT_EQ(parsed.node, token.node);
  EXPECT_EQ(parsed.endpoint, token.endpoint);
  EXPECT_EQ(parsed.server_key, token.server_key);
  EXPECT_EQ(parsed.secret_key, token.secret_key);
}

TEST(JoinToken, RefusesEveryChangedOrMissingCharacter) {
  const std::string text = sample().text();
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(JoinToken::parse(changed)) << i;
    EXPECT_FALSE(JoinToken::parse(text.substr(0, i))) << i;
  }
  EXPECT_FALSE(JoinToken::parse(text + "A"));
  EXPECT_FALSE(JoinToken::parse(text + "\n"));
}

TEST(JoinToken, ChecksItsParts) {
  JoinToken token = sample();
  token.node = "Edge One";
  EXPECT_FALSE(JoinToken::parse(token.text()));
  token = sample();
  token.endpoint = "ipc:///tmp/x";
  EXPECT_FALSE(JoinToken::parse(token.text()));
  token = sample();
  token.secret_key.pop_back();
  const auto refused = JoinToken::parse(token.text());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("skerry node token"), std::string::npos);
}

}  // namespace
}  // namespace skerry::wire
