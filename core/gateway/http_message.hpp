// Requests and answers apart from how they travel.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/gateway/errors.hpp"

namespace skerry::gateway {

using Fields = std::vector<std::pair<std::string, std::string>>;  // as they came, in their order

// ASCII letters of either case are the same.
bool same_name(std::string_view a, std::string_view b);
// The first of this name.
const std::string* find_field(const Fields& fields, std::string_view name);

struct HttpRequest {
  std::string method;
  std::string target;  // path and query
  Fields headers;
  std::string body;
  bool http_1_0 = false;
};

struct HttpAnswer {
  int status = 200;
  std::string body;  // JSON
  Fields headers = {};
};

// With what goes with the status: Retry-After, WWW-Authenticate.
HttpAnswer error_answer(const Refusal& refusal);

// As bytes to send. Without its body it is the answer to HEAD.
std::string render(const HttpAnswer& answer, bool with_body, bool keep_alive);

}  // namespace skerry::gateway
