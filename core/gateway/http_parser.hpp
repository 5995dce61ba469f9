// How the bytes of a request are read: for the gateway's sessions, and for what tests them.
#pragma once

#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <limits>
#include <optional>

#include "core/gateway/http_message.hpp"

namespace skerry::gateway {

using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

// Before its first byte. The length of the body is no matter of the parser's yet, so that who asks
// is examined first.
inline void limit_head(Parser& parser, std::size_t max_head) {
  parser.header_limit(static_cast<std::uint32_t>(max_head));
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());
}

// Once the head is there. What a trailer says never becomes part of it.
inline HttpRequest head_of(const Parser& parser) {
  HttpRequest head;
  head.method = std::string(parser.get().method_string());
  head.target = std::string(parser.get().target());
  head.http_1_0 = parser.get().version() < 11;
  for (const auto& field : parser.get())
    head.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  return head;
}

// Whether it is certain where this request ends and the next one begins.
inline bool is_framed(const Parser& parser) {
  using boost::beast::http::field;
  const auto codings = parser.get().equal_range(field::transfer_encoding);
  for (auto coding = codings.first; coding != codings.second; ++coding) {
    const auto value = coding->value();
    if (!same_name({value.data(), value.size()}, "chunked")) return false;
  }
  return true;
}

inline Refusal too_large(std::size_t max_body) {
  return {"request.too_large",
          "the body is larger than allowed: " + std::to_string(max_body) + " bytes",
          {}};
}

// After the head. From here on the parser keeps to the limit.
inline Outcome<void> check_length(Parser& parser, std::size_t max_body) {
  if (!is_framed(parser)) {
    return refuse("request.malformed", "found a transfer coding other than chunked",
                  "Transfer-Encoding");
  }
  if (parser.content_length().value_or(0) > max_body) return fail(too_large(max_body));
  parser.body_limit(max_body);
  return {};
}

// Nothing where the client went away rather than sent something wrong.
inline std::optional<Refusal> refusal_of(const boost::system::error_code& error,
                                         std::size_t max_head, std::size_t max_body) {
  namespace http = boost::beast::http;
  if (error == http::error::end_of_stream || error == http::error::partial_message ||
      error.category() != http::make_error_code(http::error::need_more).category()) {
    return std::nullopt;
  }
  if (error == http::error::body_limit) return too_large(max_body);
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Refusal{"request.head_too_large",
                   "the request's line and headers are larger than allowed: " +
                       std::to_string(max_head) + " bytes",
                   {}};
  }
  return Refusal{"request.malformed", "not valid HTTP: " + error.message(), {}};
}

}  // namespace skerry::gateway
