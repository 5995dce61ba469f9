#include <algorithm>
#include <string>

#include "core/config/describe.hpp"
#include "core/config/job.hpp"
#include "core/config/resources.hpp"
#include "core/config/yaml_writer.hpp"

namespace skerry::config {
namespace {

bool is_required(const Json& schema, const std::string& key) {
  const Json required = schema.value("required", Json::array());
  return std::find(required.begin(), required.end(), key) != required.end();
}

// A value that passes the property's own checks, for the reader to replace.
Json placeholder(const Json& property) {
  if (property.contains("default")) return property["default"];
  if (property.contains("examples")) return property["examples"][0];
  if (property.contains("enum")) return property["enum"][0];
  if (property.contains("slot")) return {{"plugin", "NAME"}};
  if (property.contains("reference")) return "NAME";
  const std::string format = property.value("format", "");
  if (format == "duration") return "60s";
  if (format == "path" || format == "artifact") return "path/to/file";
  const Json types = property.value("type", Json("string"));
  const auto type = (types.is_array() ? types[0] : types).get<std::string>();
  if (type == "array") {
    Json list = Json::array();
    const std::size_t count = property.value("minItems", std::size_t{1});
    for (std::size_t i = 0; i < count; ++i) {
      list.push_back(placeholder(property.value("items", Json::object())));
    }
    return list;
  }
  if (type == "integer" || type == "number") return property.value("minimum", Json(1));
  if (type == "boolean") return false;
  return type == "object" ? Json::object() : Json("TEXT");
}

std::string comment(const Json& property, bool required) {
  Json described = property;
  described.erase("default");
  std::string text = describe_property(described, required);
  if (const std::string more = property.value("description", ""); !more.empty()) {
    text += ": " + more;
  }
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

void add_key(const std::string& key, const Json& property, bool required, int indent,
             std::string& out) {
  constexpr std::size_t kCommentColumn = 32;
  const bool off = !required && !property.contains("default");
  std::string line =
      std::string(static_cast<std::size_t>(indent), ' ') + (off ? "# " : "") + key + ":";
  const bool nested = property.contains("properties") && (required || property.contains("default"));
  if (!nested) {
    line += " " + to_yaml_line(placeholder(property));
  }
  line.resize(std::max(line.size() + 2, kCommentColumn), ' ');
  out += line + "# " + comment(property, required) + "\n";
  if (nested) {
    out += example_fragment(property, indent + 2);
  }
}

}  // namespace

Json example_value(const Json& schema) {
  Json value = Json::object();
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [key, property] : properties.items()) {
    if (!is_required(schema, key)) continue;
    value[key] = property.contains("properties") ? example_value(property) : placeholder(property);
  }
  return value;
}

std::string example_fragment(const Json& schema, int indent) {
  std::string text;
  const Json properties = schema.value("properties", Json::object());
  for (const bool required : {true, false}) {
    for (const auto& [key, property] : properties.items()) {
      if (is_required(schema, key) == required) {
        add_key(key, property, required, indent, text);
      }
    }
  }
  return text;
}

std::string example_fragment(const plugin::Feature& feature) {
  if (feature.resource.is_object()) {
    return std::string("apiVersion: ") + kApiVersion +
           "\nkind: " + feature.resource.at("kind").get<std::string>() +
           "\nmetadata: {name: my-job}\nspec:\n" + example_fragment(spec_schema(feature), 2);
  }
  const std::string slot = feature.kind.substr(0, feature.kind.find('/'));
  const std::string config = example_fragment(config_schema(feature), 4);
  return slot + ":\n  plugin: " + feature.id + "\n" +
         (config.empty() ? "" : "  config:\n" + config);
}

}  // namespace skerry::config
