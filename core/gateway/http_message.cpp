#include "core/gateway/http_message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace skerry::gateway {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Payload Too Large";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Entity";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Internal Server Error";
  }
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

const std::string* find_field(const Fields& fields, std::string_view name) {
  const auto found = std::ranges::find_if(
      fields, [name](const auto& field) { return same_name(field.first, name); });
  return found == fields.end() ? nullptr : &found->second;
}

HttpAnswer error_answer(const Refusal& refusal) {
  HttpAnswer answer{status_of(refusal.code), error_body(refusal)};
  if (answer.status == 503) answer.headers.emplace_back("Retry-After", "1");
  if (answer.status == 401) answer.headers.emplace_back("WWW-Authenticate", "Bearer");
  return answer;
}

std::string render(const HttpAnswer& answer, bool with_body, bool keep_alive) {
  std::string out;
  out.reserve(256 + (with_body ? answer.body.size() : 0));
  fmt::format_to(std::back_inserter(out),
                 "HTTP/1.1 {} {}\r\nServer: skerry\r\nContent-Type: application/json\r\n"
                 "Content-Length: {}\r\nConnection: {}\r\n",
                 answer.status, reason_of(answer.status), answer.body.size(),
                 keep_alive ? "keep-alive" : "close");
  for (const auto& [name, value] : answer.headers) {
    fmt::format_to(std::back_inserter(out), "{}: {}\r\n", name, value);
  }
  out += "\r\n";
  if (with_body) out += answer.body;
  return out;
}

}  // namespace skerry::gateway
