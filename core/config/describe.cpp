#include "core/config/describe.hpp"

#include <algorithm>
#include <vector>

#include "core/config/yaml_writer.hpp"

namespace skerry::config {
namespace {

// "integer", "string or integer", "list of numbers", "path", "aggregation/1 plugin".
std::string type_of(const Json& property) {
  if (property.contains("slot")) {
    return property["slot"].get<std::string>() + " plugin";
  }
  if (property.contains("reference")) {
    return "name of a " + property["reference"].get<std::string>() + " or path with a /";
  }
  const std::string format = property.value("format", "");
  if (format == "path" || format == "duration") {
    return format;
  }
  if (format == "artifact") {
    return "path of a file to send with the job";
  }
  const Json type = property.value("type", Json("value"));
  if (type.is_array()) {
    std::string text;
    for (const Json& one : type) {
      text += (text.empty() ? "" : " or ") + type_of({{"type", one}});
    }
    return text;
  }
  if (type == "array") {
    return property.contains("items") ? "list of " + type_of(property["items"]) : "list";
  }
  return type == "object" ? "map" : type.get<std::string>();
}

std::string number(const Json& property, const char* word) {
  return property[word].dump();
}

// "0..1", ">= 1", "> 0, < 1": parts of a range.
std::vector<std::string> range_of(const Json& property) {
  std::vector<std::string> parts;
  if (property.contains("minimum") && property.contains("maximum")) {
    return {number(property, "minimum") + ".." + number(property, "maximum")};
  }
  if (property.contains("minimum")) parts.push_back(">= " + number(property, "minimum"));
  if (property.contains("exclusiveMinimum")) {
    parts.push_back("> " + number(property, "exclusiveMinimum"));
  }
  if (property.contains("maximum")) parts.push_back("<= " + number(property, "maximum"));
  if (property.contains("exclusiveMaximum")) {
    parts.push_back("< " + number(property, "exclusiveMaximum"));
  }
  if (property.contains("atMost")) parts.push_back("at most the number of nodes");
  return parts;
}

// "2 values", "1..8 values": of a list's or text's length.
std::string count_of(const Json& property, const char* least, const char* most,
                     const std::string& unit) {
  const bool low = property.contains(least);
  const bool high = property.contains(most);
  if (low && high && property[least] == property[most]) {
    return number(property, least) + " " + unit;
  }
  if (low && high) {
    return number(property, least) + ".." + number(property, most) + " " + unit;
  }
  if (low) {
    return "at least " + number(property, least) + " " + unit;
  }
  return high ? "at most " + number(property, most) + " " + unit : std::string();
}

std::string join(const std::vector<std::string>& parts, const std::string& separator) {
  std::string text;
  for (const std::string& part : parts) {
    text += (text.empty() ? "" : separator) + part;
  }
  return text;
}

std::string choices(const Json& property, const std::string& separator) {
  std::vector<std::string> words;
  for (const Json& word : property["enum"]) {
    words.push_back(to_yaml_line(word));
  }
  return join(words, separator);
}

std::vector<std::string> limits_of(const Json& property) {
  std::vector<std::string> parts = range_of(property);
  for (const std::string& count : {count_of(property, "minItems", "maxItems", "values"),
                                   count_of(property, "minLength", "maxLength", "characters")}) {
    if (!count.empty()) {
      parts.push_back(count);
    }
  }
  return parts;
}

}  // namespace

std::string describe_property(const Json& property, bool required) {
  std::vector<std::string> parts;
  parts.push_back(property.contains("enum") ? choices(property, "|") : type_of(property));
  for (std::string& limit : limits_of(property)) {
    parts.push_back(std::move(limit));
  }
  if (required) {
    parts.emplace_back("required");
  }
  if (property.contains("default")) {
    parts.push_back("default " + to_yaml_line(property["default"]));
  }
  return join(parts, ", ");
}

std::string describe_expected(const Json& property) {
  if (property.contains("enum")) {
    return "one of: " + choices(property, ", ");
  }
  if (property.contains("slot")) {
    return "a plugin of kind " + property["slot"].get<std::string>() +
           ", as {plugin: NAME, config: {...}}";
  }
  if (property.value("format", "") == "duration") {
    return "duration, as 60s, 5m or 500ms";
  }
  if (property.contains("minimum") && property.contains("maximum")) {
    return type_of(property) + " in " + join(limits_of(property), ", ");
  }
  const std::string limits = join(limits_of(property), ", ");
  if (limits.empty()) {
    return type_of(property);
  }
  return type_of(property) + (range_of(property).empty() ? ", " : " ") + limits;
}

std::string describe_value(const Json& value) {
  constexpr std::size_t kShown = 60;
  if (value.is_null()) return "nothing";
  if (value.is_object()) return "a map";
  if (value.is_array()) return "a list";
  std::string text = dump_json(value);
  if (text.size() > kShown) {
    text = dump_json(value.get<std::string>().substr(0, kShown)) + "...";
  }
  if (value.is_string()) return text + " (string)";
  if (value.is_boolean()) return text + " (boolean)";
  return text + (value.is_number_integer() ? " (integer)" : " (number)");
}

std::string describe_keys(const Json& schema) {
  std::vector<std::string> keys;
  const Json required = schema.value("required", Json::array());
  const Json properties = schema.value("properties", Json::object());  // items() borrows
  for (const auto& [name, property] : properties.items()) {
    const bool needed = std::find(required.begin(), required.end(), name) != required.end();
    keys.push_back(name + " (" + describe_property(property, needed) + ")");
  }
  return keys.empty() ? "none" : join(keys, ", ");
}

}  // namespace skerry::config
