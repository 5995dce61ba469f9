// Who may ask. Every web page that somebody opens can send requests to 127.0.0.1, so an address
// that only this machine reaches is no protection by itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/gateway/http_message.hpp"

namespace skerry::gateway {

struct Rules {
  std::vector<std::string> allowed_origins;  // "https://example.org"
  std::vector<std::string> allowed_hosts;    // besides localhost and IP addresses; without a port
  std::string token;                         // empty: none is asked for
};

// Against names that a page makes point here once it is loaded.
Outcome<void> check_host(const HttpRequest& request, const Rules& rules);
Outcome<void> check_origin(const HttpRequest& request, const Rules& rules);
Outcome<void> check_token(const HttpRequest& request, const Rules& rules);

// The origin to name in the answer: of a page that may read it.
const std::string* allowed_origin(const HttpRequest& request, const Rules& rules);

}  // namespace skerry::gateway
