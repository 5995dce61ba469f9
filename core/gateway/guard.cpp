#include "core/gateway/guard.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace skerry::gateway {
namespace {

constexpr std::string_view kScheme = "Bearer ";

bool lists(const std::vector<std::string>& list, std::string_view name) {
  return std::ranges::any_of(list, [name](const auto& one) { return same_name(one, name); });
}

bool is_port(std::string_view text) {
  return text.empty() || (text.front() == ':' && std::ranges::all_of(text.substr(1), [](char c) {
                            return c >= '0' && c <= '9';
                          }));
}

bool is_address(int family, std::string_view text) {
  in6_addr address;  // room for either
  return inet_pton(family, std::string(text).c_str(), &address) == 1;
}

bool is_allowed_host(std::string_view host, const Rules& rules) {
  if (host.starts_with('[')) {
    const auto end = host.find(']');
    return end != host.npos && is_port(host.substr(end + 1)) &&
           is_address(AF_INET6, host.substr(1, end - 1));
  }
  const auto colon = std::min(host.find(':'), host.size());
  const std::string_view name = host.substr(0, colon);
  return is_port(host.substr(colon)) &&
         (same_name(name, "localhost") || is_address(AF_INET, name) ||
          lists(rules.allowed_hosts, name));
}

// Takes as long whichever characters differ.
bool same_secret(std::string_view given, std::string_view secret) {
  volatile unsigned char differ = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char other = secret.empty() ? '\0' : secret[i % secret.size()];
    differ = static_cast<unsigned char>(differ | (given[i] ^ other));
  }
  return differ == 0;
}

}  // namespace

Outcome<void> check_host(const HttpRequest& request, const Rules& rules) {
  const auto* const host = find_field(request.headers, "Host");
  if (host == nullptr) {
    if (request.http_1_0) return {};
    return refuse("request.malformed", "a request needs the header Host", "Host");
  }
  if (is_allowed_host(*host, rules)) return {};
  return refuse("request.host",
                "found the host " + in_quotes(*host) +
                    "; allowed are IP addresses, localhost, and the hosts that this edge is told "
                    "to allow",
                "Host");
}

const std::string* allowed_origin(const HttpRequest& request, const Rules& rules) {
  const auto* const origin = find_field(request.headers, "Origin");
  return origin != nullptr && lists(rules.allowed_origins, *origin) ? origin : nullptr;
}

Outcome<void> check_origin(const HttpRequest& request, const Rules& rules) {
  const auto* const origin = find_field(request.headers, "Origin");
  if (origin == nullptr || allowed_origin(request, rules) != nullptr) return {};
  return refuse("request.origin",
                "a page of the origin " + in_quotes(*origin) +
                    " asks; allowed are only the origins that this edge is told to allow",
                "Origin");
}

Outcome<void> check_token(const HttpRequest& request, const Rules& rules) {
  if (rules.token.empty()) return {};
  const auto* const header = find_field(request.headers, "Authorization");
  const std::string_view given = header == nullptr ? std::string_view() : *header;
  const bool is_bearer =
      given.size() > kScheme.size() && same_name(given.substr(0, kScheme.size()), kScheme);
  if (is_bearer && same_secret(given.substr(kScheme.size()), rules.token)) return {};
  return refuse("request.unauthorized",
                std::string(header == nullptr ? "found no token" : "found another token") +
                    "; send the header Authorization: Bearer TOKEN",
                "Authorization");
}

}  // namespace skerry::gateway
