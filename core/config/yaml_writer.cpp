#include "core/config/yaml_writer.hpp"

#include <algorithm>
#include <string_view>

#include "core/config/yaml_scalar.hpp"

namespace skerry::config {
namespace {

constexpr std::size_t kLineLength = 100;

// May it stand without quotes and be read back as this text?
bool is_plain(const std::string& text) {
  const auto safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '/' || c == '$';
  };
  const bool begins_well = !text.empty() && text[0] != '-' && text != "---" && text != "...";
  const auto typed = typed_scalar(text);
  return begins_well && std::all_of(text.begin(), text.end(), safe) && typed && typed->is_string();
}

std::string quoted(const std::string& text) {
  return is_plain(text) ? text : dump_json(text);
}

bool is_nested(const Json& value) {
  return value.is_structured() && !value.empty();
}

// Does it read better on one line? Lists of scalars and small maps do.
bool is_short(const Json& value) {
  for (const Json& item : value) {
    if (is_nested(item)) {
      return false;
    }
  }
  return (value.is_array() || value.size() <= 2) && to_yaml_line(value).size() < kLineLength / 2;
}

void write(const Json& value, std::size_t indent, std::string& out);

void write_map(const Json& map, std::size_t indent, std::string& out) {
  bool first = true;
  for (const auto& [key, value] : map.items()) {
    // The first key of a map in a list stands on the line of its dash.
    out += (first ? "" : std::string(indent, ' ')) + quoted(key) + ":";
    first = false;
    if (!is_nested(value) || is_short(value)) {
      out += " " + to_yaml_line(value) + "\n";
    } else {
      out += "\n" + std::string(indent + 2, ' ');
      write(value, indent + 2, out);
    }
  }
}

void write_list(const Json& list, std::size_t indent, std::string& out) {
  bool first = true;
  for (const Json& item : list) {
    out += (first ? "" : std::string(indent, ' ')) + "- ";
    first = false;
    write(item, indent + 2, out);
  }
}

// The first line is indented already; the text ends with a newline.
void write(const Json& value, std::size_t indent, std::string& out) {
  if (!is_nested(value)) {
    out += to_yaml_line(value) + "\n";
  } else if (value.is_object()) {
    write_map(value, indent, out);
  } else {
    write_list(value, indent, out);
  }
}

}  // namespace

std::string to_yaml_line(const Json& value) {
  if (value.is_string()) {
    return quoted(value.get_ref<const std::string&>());
  }
  if (!value.is_structured()) {
    return dump_json(value);
  }
  std::string text;
  for (const auto& [key, item] : value.items()) {
    text += text.empty() ? "" : ", ";
    text += (value.is_object() ? quoted(key) + ": " : "") + to_yaml_line(item);
  }
  return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

std::string to_yaml(const Json& value) {
  std::string text;
  write(value, 0, text);
  return text;
}

}  // namespace skerry::config
