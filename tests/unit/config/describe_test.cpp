#include "core/config/describe.hpp"

#include <gtest/gtest.h>

namespace skerry::config {
namespace {

std::string property(const char* text, bool required = false) {
  return describe_property(Json::parse(text), required);
}

TEST(Describe, PutsAPropertyIntoAFewWords) {
  EXPECT_EQ(property(R"({"type": "number", "minimum": 0, "maximum": 1, "default": 0.5})"),
            "number, 0..1, default 0.5");
  EXPECT_EQ(property(R"({"type": "integer", "minimum": 1})", true), "integer, >= 1, required");
  EXPECT_EQ(property(R"({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1})"),
            "number, > 0, < 1");
  EXPECT_EQ(property(R"({"type": "string", "enum": ["a", "b"], "default": "a"})"),
            "a|b, default a");
  EXPECT_EQ(
      property(R"({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2})"),
      "list of integer, 2 values");
  EXPECT_EQ(property(R"({"type": "array", "minItems": 1, "maxItems": 8})"), "list, 1..8 values");
  EXPECT_EQ(property(R"({"type": "string", "format": "path"})", true), "path, required");
  EXPECT_EQ(property(R"({"slot": "selection/1", "default": {"plugin": "x"}})"),
            "selection/1 plugin, default {plugin: x}");
  EXPECT_EQ(property(R"({"type": "string", "reference": "Model"})"),
            "name of a Model or path with a /");
  EXPECT_EQ(property(R"({"type": "integer", "atMost": "nodes"})"),
            "integer, at most the number of nodes");
  EXPECT_EQ(property(R"({"type": "object"})"), "map");
}

TEST(Describe, ShortensWhatWasFound) {
  EXPECT_EQ(describe_value("x"), "\"x\" (string)");
  EXPECT_EQ(describe_value(std::string(100, 'x')), "\"" + std::string(60, 'x') + "\"... (string)");
  EXPECT_EQ(describe_value(1), "1 (integer)");
  EXPECT_EQ(describe_value(nullptr), "nothing");
}

}  // namespace
}  // namespace skerry::config
