#include "core/config/source_map.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace skerry::config {
namespace {

bool is_at_or_below(std::string_view pointer, std::string_view root) {
  return pointer.starts_with(root) &&
         (pointer.size() == root.size() || pointer[root.size()] == '/');
}

std::string unescape(std::string_view token) {
  std::string text;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size()) {
      text += token[++i] == '1' ? '/' : '~';
    } else {
      text += token[i];
    }
  }
  return text;
}

bool is_index(std::string_view token) {
  return !token.empty() && token.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

void SourceMap::set(std::string pointer, Location location) {
  locations_.insert_or_assign(std::move(pointer), std::move(location));
}

Location SourceMap::locate(std::string_view pointer) const {
  while (true) {
    if (const auto found = locations_.find(pointer); found != locations_.end()) {
      return found->second;
    }
    const std::size_t slash = pointer.rfind('/');
    if (slash == std::string_view::npos) {
      return {};
    }
    pointer = pointer.substr(0, slash);
  }
}

std::string SourceMap::where(std::string_view pointer) const {
  const Location location = locate(pointer);
  return location.line > 0 ? location.file + ":" + std::to_string(location.line) : location.file;
}

void SourceMap::graft(const SourceMap& from, const std::string& from_pointer,
                      const std::string& to_pointer) {
  std::vector<std::pair<std::string, Location>> taken;
  taken.emplace_back(to_pointer, from.locate(from_pointer));
  for (const auto& [pointer, location] : from.locations_) {
    if (is_at_or_below(pointer, from_pointer)) {
      taken.emplace_back(to_pointer + pointer.substr(from_pointer.size()), location);
    }
  }
  for (auto& [pointer, location] : taken) {
    set(std::move(pointer), std::move(location));
  }
}

std::string child(std::string_view pointer, std::string_view key) {
  std::string text(pointer);
  text += '/';
  for (const char c : key) {
    if (c == '~') {
      text += "~0";
    } else if (c == '/') {
      text += "~1";
    } else {
      text += c;
    }
  }
  return text;
}

std::string child(std::string_view pointer, std::size_t index) {
  return std::string(pointer) + "/" + std::to_string(index);
}

std::string field_of(std::string_view pointer) {
  std::string field;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    const std::string token = unescape(pointer.substr(0, end));
    if (is_index(token)) {
      field += "[" + token + "]";
    } else {
      field += (field.empty() ? "" : ".") + token;
    }
    pointer.remove_prefix(end);
  }
  return field;
}

}  // namespace skerry::config
