// One connection.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>

#include "core/gateway/http_gateway.hpp"

namespace skerry::gateway {

// What the sessions share; it outlives them.
class SessionHost {
 public:
  SessionHost(HttpGateway::Options with, Asker& asks) : options(std::move(with)), asker(asks) {}
  virtual ~SessionHost() = default;
  // A session is over; called once.
  virtual void ended(class HttpSession& session) = 0;

  const HttpGateway::Options options;
  Asker& asker;
  std::size_t in_hand = 0;  // bytes of bodies
};

// Whoever holds it keeps the connection; nothing else does while an answer is awaited.
class HttpSession {
 public:
  virtual ~HttpSession() = default;
  // Reads and answers requests.
  virtual void begin() = 0;
  // Tells the client that there are too many, and closes.
  virtual void turn_away() = 0;

  static std::shared_ptr<HttpSession> create(boost::asio::ip::tcp::socket socket,
                                             SessionHost& host);
};

}  // namespace skerry::gateway
