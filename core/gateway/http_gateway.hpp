// The HTTP front of an edge: a thread of its own, whose loop its Asker may use too.
//
// HTTP/1.1 and 1.0; a connection's requests are answered one after the other. A client that is
// slow, or sends what cannot be read, loses its connection and costs nobody else anything.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/result.hpp"
#include "core/gateway/asker.hpp"
#include "core/gateway/guard.hpp"

namespace boost::asio {
class io_context;
}

namespace skerry::gateway {

class HttpGateway {
 public:
  struct Options {
    std::string address = "127.0.0.1";  // one that others reach needs a token
    std::uint16_t port = 0;             // 0: any free one
    Rules rules = {};

    std::size_t max_connections = 256;  // one more is told so, and closed
    std::size_t max_head = 16 * 1024;   // bytes of a request's line and headers
    std::size_t max_body = wire::kMaxPredictData;
    std::size_t max_in_hand = 64u << 20;     // bytes of all bodies whose questions are unanswered
    std::chrono::milliseconds idle{60'000};  // between requests
    std::chrono::milliseconds transfer{10'000};  // for a whole request, and for a whole answer
    std::chrono::milliseconds farewell{2'000};   // for a client to read what it is told last

    // Called on the gateway's thread before the first request is.
    std::function<void(boost::asio::io_context&)> on_thread = {};
  };

  // The asker outlives the gateway, and is called on the gateway's thread only. It may keep the
  // callbacks that it was given for longer.
  static Result<std::unique_ptr<HttpGateway>> start(Options options, Asker& asker);
  ~HttpGateway();  // joins; what is not answered yet is cut

  std::uint16_t port() const;
  // Work posted to it runs on the gateway's thread, or not at all once the gateway ends.
  boost::asio::io_context& io();

 private:
  class Impl;
  explicit HttpGateway(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::gateway
