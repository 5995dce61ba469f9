#include "core/wire/names.hpp"

#include <algorithm>

namespace skerry::wire {
namespace {

bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

}  // namespace

bool is_node_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNodeName && text.front() != '-' &&
         text.back() != '-' && std::all_of(text.begin(), text.end(), is_label_character);
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxId &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

}  // namespace skerry::wire
