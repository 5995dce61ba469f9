#include "core/plugin/schema_words.hpp"

#include <gtest/gtest.h>

namespace skerry::plugin {
namespace {

std::string message(const char* schema) {
  const auto status = check_schema(Json::parse(schema), "config");
  return status ? "no problem" : status.error().text();
}

TEST(SchemaWords, AcceptTheWholeDialect) {
  EXPECT_EQ(message(R"({
    "type": "object", "required": ["a"],
    "properties": {
      "a": {"type": "integer", "minimum": 1, "maximum": 5, "atMost": "nodes"},
      "b": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "default": 0.5},
      "c": {"type": "array", "items": {"type": ["string", "integer"]}, "minItems": 1, "maxItems": 3},
      "d": {"type": "string", "format": "path", "description": "d", "examples": ["x"]},
      "e": {"slot": "aggregation/1", "default": {"plugin": "x"}},
      "f": {"type": "object", "additionalProperties": {"type": "string", "enum": ["x", "y"]}},
      "g": {"type": "string", "reference": "Model", "minLength": 1}}})"),
            "no problem");
}

TEST(SchemaWords, RefuseWhatTheyDoNotKnow) {
  EXPECT_EQ(message(R"({"properties": {"a": {"minimun": 1}}})"),
            "config.properties.a: unknown word \"minimun\" in the schema; did you mean "
            "\"minimum\"?; a newer "
            "Skerry may know it");
  EXPECT_EQ(message(R"({"type": "float"})"),
            "config.type: found \"float\", expected one of: string, integer, number, boolean, "
            "array, object");
  EXPECT_EQ(message(R"({"format": "uri"})"),
            "config.format: found \"uri\", expected one of: path, artifact, duration");
  EXPECT_EQ(message(R"({"atMost": 3})"), "config.atMost: found 3, expected a string");
  EXPECT_EQ(message(R"({"minimum": "1"})"), "config.minimum: found \"1\", expected a number");
  EXPECT_EQ(message(R"({"minItems": -1})"),
            "config.minItems: found -1, expected a count (0, 1, ...)");
  EXPECT_EQ(message(R"({"properties": []})"),
            "config.properties: found [], expected an object of schemas");
  EXPECT_EQ(message("[1]"), "config: found [1], expected a schema (an object)");
  EXPECT_EQ(message(R"({"required": ["b"], "properties": {"a": {}}})"),
            "config.required: \"b\" is no property");
}

TEST(SchemaWords, RefuseEndlessNesting) {
  Json schema = Json::object();
  for (int i = 0; i < 100; ++i) {
    schema = {{"items", schema}};
  }
  EXPECT_FALSE(check_schema(schema, "config"));
}

}  // namespace
}  // namespace skerry::plugin
