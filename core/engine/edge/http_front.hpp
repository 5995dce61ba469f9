// The edge host's services over HTTP: the gateway's questions go to the relay like those of any
// other application.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/gateway/http_gateway.hpp"
#include "core/serving/edge_relay.hpp"

namespace skerry::engine::edge {

struct HttpOptions {
  std::string listen;      // "ADDRESS:PORT", port 0 for any free one; empty: no HTTP
  std::string token_file;  // holds the token that requests must carry; empty: none is asked for
  std::vector<std::string> hosts;    // names by which clients may call this machine
  std::vector<std::string> origins;  // of web pages that may ask
};

class HttpFront {
 public:
  // `relay` outlives this; `requests`: its local socket.
  static Result<std::unique_ptr<HttpFront>> start(const HttpOptions& options,
                                                  const std::string& requests,
                                                  const serving::EdgeRelay& relay);
  ~HttpFront();
  const std::string& address() const;  // as bound: "127.0.0.1:8080"

 private:
  class Impl;
  explicit HttpFront(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::engine::edge
