#include "core/wire/names.hpp"

#include <algorithm>
#include <charconv>

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

bool is_tcp_endpoint(std::string_view text) {
  constexpr std::string_view kScheme = "tcp://";
  const auto colon = text.rfind(':');
  if (!text.starts_with(kScheme) || colon <= kScheme.size() || colon == text.npos) return false;
  const auto host = text.substr(kScheme.size(), colon - kScheme.size());
  const auto is_space = [](char c) { return c <= ' ' || c > '~'; };
  if (std::any_of(host.begin(), host.end(), is_space)) return false;
  unsigned port = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
  return error == std::errc() && stop == end && port > 0 && port <= 65535;
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kMaxId &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

}  // namespace skerry::wire
