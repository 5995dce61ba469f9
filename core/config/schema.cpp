#include "core/config/schema.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/base/digest.hpp"
#include "core/base/suggest.hpp"
#include "core/base/units.hpp"
#include "core/config/describe.hpp"
#include "core/config/paths.hpp"

namespace skerry::config {
namespace {

namespace fs = std::filesystem;

bool has_type(const Json& value, const std::string& type) {
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  return value.is_object();
}

bool fits_type(const Json& schema, const Json& value) {
  const auto type = schema.find("type");
  if (type == schema.end()) {
    return true;
  }
  if (type->is_string()) {
    return has_type(value, type->get_ref<const std::string&>());
  }
  return std::any_of(type->begin(), type->end(),
                     [&](const Json& one) { return has_type(value, one.get<std::string>()); });
}

bool fits_range(const Json& schema, const Json& value) {
  const auto holds = [&](const char* word, auto compare) {
    const auto limit = schema.find(word);
    return limit == schema.end() || compare(value, *limit);
  };
  return holds("minimum", [](const Json& a, const Json& b) { return a >= b; }) &&
         holds("maximum", [](const Json& a, const Json& b) { return a <= b; }) &&
         holds("exclusiveMinimum", [](const Json& a, const Json& b) { return a > b; }) &&
         holds("exclusiveMaximum", [](const Json& a, const Json& b) { return a < b; });
}

bool fits_count(const Json& schema, std::size_t count, const char* least, const char* most) {
  const auto low = schema.find(least);
  const auto high = schema.find(most);
  return (low == schema.end() || count >= low->get<std::size_t>()) &&
         (high == schema.end() || count <= high->get<std::size_t>());
}

// A property whose value stands for a file that travels with the job.
bool is_file(const Json& schema) {
  return schema.value("format", "") == "artifact" || schema.contains("reference");
}

bool is_artifact(const Json& value) {
  return value.is_object() && value.size() == 2 && value.contains("$artifact") &&
         value.contains("name") && value["$artifact"].is_string() && value["name"].is_string() &&
         Digest::from_hex(value["$artifact"].get_ref<const std::string&>());
}

class Checker {
 public:
  Checker(const SchemaContext& context, std::vector<Problem>& problems)
      : context_(context), problems_(problems) {}

  Json check(const Json& schema, const Json& value, const std::string& pointer) {
    if (schema.contains("slot")) {
      if (context_.hooks == nullptr) return value;  // checked where it was resolved
      return context_.hooks->slot(schema["slot"].get<std::string>(), value, pointer, problems_);
    }
    if (is_file(schema) && is_artifact(value)) {
      return value;  // resolved before
    }
    // `config:` with nothing after it is an empty map to whoever writes it.
    const bool empty_map = value.is_null() && schema.value("type", Json()) == "object";
    return check_type(schema, empty_map ? Json::object() : value, pointer);
  }

 private:
  Json check_type(const Json& schema, const Json& value, const std::string& pointer) {
    if (!fits_type(schema, value)) {
      expected(schema, value, pointer);
      return value;
    }
    if (const auto allowed = schema.find("enum"); allowed != schema.end()) {
      if (std::find(allowed->begin(), allowed->end(), value) == allowed->end()) {
        not_in_enum(*allowed, schema, value, pointer);
        return value;
      }
    }
    if (value.is_object()) return check_object(schema, value, pointer);
    if (value.is_array()) return check_array(schema, value, pointer);
    if (value.is_string()) return check_string(schema, value, pointer);
    if (value.is_number()) check_number(schema, value, pointer);
    return value;
  }

  Json check_object(const Json& schema, const Json& value, const std::string& pointer) {
    static const Json none = Json::object();
    const auto listed = schema.find("properties");
    const Json& properties = listed != schema.end() ? *listed : none;
    Json result = Json::object();
    for (const auto& [key, item] : value.items()) {
      if (const auto property = properties.find(key); property != properties.end()) {
        result[key] = check(*property, item, child(pointer, key));
      } else {
        check_other_key(schema, key, item, pointer, result);
      }
    }
    check_required(schema, properties, value, pointer);
    for (const auto& [key, property] : properties.items()) {
      if (!value.contains(key) && property.contains("default")) {
        result[key] = check(property, property["default"], child(pointer, key));
      }
    }
    return result;
  }

  void check_other_key(const Json& schema, const std::string& key, const Json& item,
                       const std::string& pointer, Json& result) {
    const auto others = schema.find("additionalProperties");
    const bool free = !schema.contains("type") && !schema.contains("properties");
    if (others != schema.end() && others->is_object()) {
      result[key] = check(*others, item, child(pointer, key));
    } else if (free || (others != schema.end() && others->get<bool>())) {
      result[key] = item;
    } else {
      unknown_key(schema, key, pointer);
    }
  }

  void check_required(const Json& schema, const Json& properties, const Json& value,
                      const std::string& pointer) {
    const auto required = schema.find("required");
    if (required == schema.end() || !context_.check_required) {
      return;
    }
    for (const Json& name : *required) {
      const auto key = name.get<std::string>();
      if (!value.contains(key) && !properties.at(key).contains("default")) {
        wrong(child(pointer, key), "missing, expected " + describe_expected(properties.at(key)));
      }
    }
  }

  Json check_array(const Json& schema, const Json& value, const std::string& pointer) {
    if (!fits_count(schema, value.size(), "minItems", "maxItems")) {
      wrong(pointer, "found " + std::to_string(value.size()) +
                         (value.size() == 1 ? " value" : " values") + ", expected " +
                         describe_expected(schema));
    }
    const auto items = schema.find("items");
    if (items == schema.end()) {
      return value;
    }
    Json result = Json::array();
    for (std::size_t i = 0; i < value.size(); ++i) {
      result.push_back(check(*items, value[i], child(pointer, i)));
    }
    return result;
  }

  Json check_string(const Json& schema, const Json& value, const std::string& pointer) {
    const auto& text = value.get_ref<const std::string&>();
    if (!fits_count(schema, text.size(), "minLength", "maxLength")) {
      expected(schema, value, pointer);
      return value;
    }
    const std::string format = schema.value("format", "");
    if (format == "duration") {
      if (const auto duration = parse_duration(text); !duration) {
        wrong(pointer, duration.error().message);
      }
      return value;
    }
    if (format == "path" || format == "artifact") {
      return check_path(format, text, pointer);
    }
    if (schema.contains("reference") && context_.hooks != nullptr) {
      return context_.hooks->reference(schema["reference"].get<std::string>(), text, pointer,
                                       problems_);
    }
    return value;
  }

  Json check_path(const std::string& format, const std::string& text, const std::string& pointer) {
    const std::string path = absolute_path(text, context_.source, pointer);
    // An empty default stands for "none".
    if (text.empty() || path.find("://") != std::string::npos) {
      return path;
    }
    if (format == "artifact") {
      return context_.hooks != nullptr ? context_.hooks->artifact(path, pointer, problems_)
                                       : Json(path);
    }
    std::error_code error;
    if (context_.check_files && !fs::exists(path, error)) {
      wrong(pointer, "no such file: " + path, Code::not_found);
    }
    return path;
  }

  void check_number(const Json& schema, const Json& value, const std::string& pointer) {
    if (!fits_range(schema, value)) {
      expected(schema, value, pointer);
    } else if (schema.contains("atMost") && context_.nodes && value > *context_.nodes) {
      const std::string name = pointer.substr(pointer.rfind('/') + 1);
      const std::string nodes = std::to_string(*context_.nodes);
      const bool one = *context_.nodes == 1;
      wrong(pointer, name + " is " + value.dump() + " but there " + (one ? "is " : "are ") + nodes +
                         (one ? " node" : " nodes") + "; use at most " + nodes +
                         " or start more edges");
    }
  }

  void expected(const Json& schema, const Json& value, const std::string& pointer) {
    wrong(pointer, "found " + describe_value(value) + ", expected " + describe_expected(schema));
  }

  void not_in_enum(const Json& allowed, const Json& schema, const Json& value,
                   const std::string& pointer) {
    std::vector<std::string> words;
    for (const Json& word : allowed) {
      words.push_back(word.is_string() ? word.get<std::string>() : word.dump());
    }
    const auto near = value.is_string() ? closest(value.get<std::string>(), words) : std::nullopt;
    wrong(pointer, "found " + describe_value(value) + ", expected " + describe_expected(schema) +
                       (near ? ". Did you mean `" + *near + "`?" : ""));
  }

  void unknown_key(const Json& schema, const std::string& key, const std::string& pointer) {
    std::vector<std::string> known;
    const Json properties = schema.value("properties", Json::object());  // items() borrows
    for (const auto& [name, property] : properties.items()) {
      known.push_back(name);
    }
    const auto near = closest(key, known);
    const std::string place = child(pointer, key);
    const std::string text = "unknown key `" + key + "`." +
                             (near ? " Did you mean `" + *near + "`?" : "") +
                             " Allowed: " + describe_keys(schema);
    problems_.push_back({Code::invalid_argument, text, where(place), field_of(pointer)});
  }

  void wrong(const std::string& pointer, const std::string& message,
             Code code = Code::invalid_argument) {
    problems_.push_back({code, message, where(pointer), field_of(pointer)});
  }

  std::string where(const std::string& pointer) const {
    return context_.source != nullptr ? context_.source->where(pointer) : std::string();
  }

  const SchemaContext& context_;
  std::vector<Problem>& problems_;
};

}  // namespace

Json apply_schema(const Json& schema, const Json& value, const SchemaContext& context,
                  std::vector<Problem>& problems) {
  return Checker(context, problems).check(schema, value, context.pointer);
}

}  // namespace skerry::config
