#include "core/base/json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace skerry {
namespace {

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(Json, IsReadWithAllItsTypes) {
  const auto json = parse_json(R"({"a": [1, -2, 0.5, true, null, "x"], "b": {"a": 1}})");
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["a"].size(), 6u);
  EXPECT_EQ((*json)["b"]["a"], 1);
}

TEST(Json, ThatIsWrongSaysWhere) {
  const auto json = parse_json("{\"a\": 1,\n  b: 2}", "plugin.json");
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().code, Code::invalid_argument);
  EXPECT_EQ(json.error().where, "plugin.json");
  EXPECT_NE(json.error().message.find("line 2"), std::string::npos) << json.error().message;
  EXPECT_EQ(json.error().message.find("json.exception"), std::string::npos);
}

TEST(Json, WithAKeyTwiceInOneObjectIsRefused) {
  EXPECT_FALSE(parse_json(R"({"a": 1, "b": {}, "a": 2})"));
  EXPECT_TRUE(parse_json(R"([{"a": 1}, {"a": {"a": 2}}])"));
}

TEST(Json, NestedTooDeepIsRefused) {
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)));
  EXPECT_FALSE(parse_json(nested(kMaxJsonDepth + 1)));
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
}

TEST(Json, WithAnythingAroundItOrInvalidTextIsRefused) {
  for (const char* text :
       {"", " ", "1 2", "{} x", "// c\n1", "\"\xff\"", "1e999", "NaN", "{\"a\":}"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
}

TEST(Json, IsWrittenOnOneLineWhateverTheText) {
  EXPECT_EQ(dump_json(Json{{"a", "x\ny"}}), R"({"a":"x\ny"})");
  EXPECT_EQ(dump_json(Json("\xff")), "\"\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace skerry
