#include "core/plugin/schema_words.hpp"

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/suggest.hpp"
#include "core/base/try.hpp"

namespace skerry::plugin {
namespace {

enum class Shape { any, text, number, count, list, schema, schemas, schema_or_bool, types, names };

struct Word {
  std::string_view name;
  Shape shape;
};

constexpr std::array<Word, 22> kWords{{
    {"type", Shape::types},
    {"description", Shape::text},
    {"default", Shape::any},
    {"examples", Shape::list},
    {"enum", Shape::list},
    {"minimum", Shape::number},
    {"maximum", Shape::number},
    {"exclusiveMinimum", Shape::number},
    {"exclusiveMaximum", Shape::number},
    {"minLength", Shape::count},
    {"maxLength", Shape::count},
    {"items", Shape::schema},
    {"minItems", Shape::count},
    {"maxItems", Shape::count},
    {"properties", Shape::schemas},
    {"required", Shape::names},
    {"additionalProperties", Shape::schema_or_bool},
    {"format", Shape::text},
    {"slot", Shape::text},
    {"atMost", Shape::text},
    {"reference", Shape::text},
    {"title", Shape::text},
}};

constexpr std::array<std::string_view, 6> kTypes{"string",  "integer", "number",
                                                 "boolean", "array",   "object"};
constexpr std::array<std::string_view, 3> kFormats{"path", "artifact", "duration"};
constexpr int kMaxDepth = 32;

tl::unexpected<Problem> wrong(const std::string& field, const std::string& message) {
  return fail(Code::invalid_argument, message, {}, field);
}

Status one_of(const Json& value, std::span<const std::string_view> allowed,
              const std::string& field) {
  std::string list;
  for (const std::string_view word : allowed) {
    if (value.is_string() && value.get_ref<const std::string&>() == word) {
      return {};
    }
    list += (list.empty() ? "" : ", ") + std::string(word);
  }
  return wrong(field, "found " + value.dump() + ", expected one of: " + list);
}

Status strings(const Json& value, const std::string& field) {
  if (!value.is_array()) {
    return wrong(field, "found " + value.dump() + ", expected a list of strings");
  }
  for (const Json& item : value) {
    if (!item.is_string()) {
      return wrong(field, "found " + item.dump() + ", expected a string");
    }
  }
  return {};
}

Status check(const Json& schema, const std::string& field, int depth);

Status check_types(const Json& value, const std::string& field) {
  if (!value.is_array()) {
    return one_of(value, kTypes, field);
  }
  for (const Json& type : value) {
    SKERRY_TRY(one_of(type, kTypes, field));
  }
  return value.empty() ? Status(wrong(field, "the list of types is empty")) : Status();
}

Status check_schemas(const Json& value, const std::string& field, int depth) {
  if (!value.is_object()) {
    return wrong(field, "found " + value.dump() + ", expected an object of schemas");
  }
  for (const auto& [name, schema] : value.items()) {
    SKERRY_TRY(check(schema, field + "." + name, depth + 1));
  }
  return {};
}

Status check_shape(const Word& word, const Json& value, const std::string& field, int depth) {
  const auto expected = [&](bool is, const char* what) {
    return is ? Status() : Status(wrong(field, "found " + value.dump() + ", expected " + what));
  };
  switch (word.shape) {
    case Shape::any:
      return {};
    case Shape::text:
      return expected(value.is_string(), "a string");
    case Shape::number:
      return expected(value.is_number(), "a number");
    case Shape::count:
      return expected(value.is_number_unsigned(), "a count (0, 1, ...)");
    case Shape::list:
      return expected(value.is_array() && !value.empty(), "a list with values");
    case Shape::types:
      return check_types(value, field);
    case Shape::names:
      return strings(value, field);
    case Shape::schema:
      return check(value, field, depth + 1);
    case Shape::schemas:
      return check_schemas(value, field, depth);
    case Shape::schema_or_bool:
      return value.is_boolean() ? Status() : check(value, field, depth + 1);
  }
  return {};
}

Status check_word(const std::string& name, const Json& value, const std::string& field, int depth) {
  std::vector<std::string> known;
  for (const Word& word : kWords) {
    if (word.name == name) {
      return check_shape(word, value, field + "." + name, depth);
    }
    known.emplace_back(word.name);
  }
  return wrong(field, "unknown word \"" + name + "\" in the schema" + did_you_mean(name, known) +
                          "; a newer Skerry may know it");
}

// What one word says about another.
Status check_consistency(const Json& schema, const std::string& field) {
  if (schema.contains("format")) {
    SKERRY_TRY(one_of(schema["format"], kFormats, field + ".format"));
  }
  if (schema.contains("atMost")) {
    constexpr std::array<std::string_view, 1> counts{"nodes"};
    SKERRY_TRY(one_of(schema["atMost"], counts, field + ".atMost"));
  }
  for (const Json& name : schema.value("required", Json::array())) {
    const auto properties = schema.find("properties");
    if (properties == schema.end() || !properties->contains(name.get<std::string>())) {
      return wrong(field + ".required", "\"" + name.get<std::string>() + "\" is no property");
    }
  }
  return {};
}

Status check(const Json& schema, const std::string& field, int depth) {
  if (depth > kMaxDepth) {
    return wrong(field, "the schema is nested too deeply");
  }
  if (!schema.is_object()) {
    return wrong(field, "found " + schema.dump() + ", expected a schema (an object)");
  }
  for (const auto& [name, value] : schema.items()) {
    SKERRY_TRY(check_word(name, value, field, depth));
  }
  return check_consistency(schema, field);
}

}  // namespace

Status check_schema(const Json& schema, const std::string& field) {
  return check(schema, field, 0);
}

}  // namespace skerry::plugin
