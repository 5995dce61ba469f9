// ZeroMQ sockets with the options that keep a hostile or slow peer from hurting the others.
// Internal to core/wire: the only headers that include zmq.hpp are internal ones.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <zmq.hpp>

#include "core/base/result.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/transport.hpp"

namespace skerry::wire {

struct SocketLimits {
  std::size_t max_message = 0;  // before encryption
  int send_high_water = 0;      // messages a peer
  int receive_high_water = 0;
  // Encrypted on the context's second I/O thread where it has one: control messages do not wait for
  // megabytes of blobs.
  bool bulk = false;
  // Between attempts to connect over a network.
  std::chrono::milliseconds longest_pause{30000};
};

// These throw zmq::error_t; every caller turns it into a Problem.
void set_limits(zmq::socket_t& socket, const SocketLimits& limits, const std::string& endpoint);
// Before it binds or connects.
void choose_io_thread(zmq::context_t& context, zmq::socket_t& socket, const SocketLimits& limits);
// Every key goes to the ZAP handler; without one, nobody gets in.
void set_curve_server(zmq::socket_t& socket, const KeyPair& self);
void set_curve_client(zmq::socket_t& socket, const KeyPair& self, const std::string& server_key);

// A bound ROUTER with limits, and with CURVE where `self` is given.
Result<zmq::socket_t> make_router(zmq::context_t& context, const std::string& endpoint,
                                  const KeyPair* self, const SocketLimits& limits);
std::string bound_endpoint(zmq::socket_t& socket);

struct Arrived {
  std::string peer;  // routing id; empty on a dealer
  std::string user;  // ZAP User-Id; empty without CURVE
  zmq::message_t body;
};
enum class Receipt { nothing, message, multipart };
// Never blocks. More than one frame after the routing id: all of it is dropped and the TCP peer is
// disconnected.
Receipt receive(zmq::socket_t& socket, bool router, Arrived& arrived);

// A message whose bytes are these and not a copy.
zmq::message_t message_of(std::string bytes);

enum class Sent { ok, no_peer, full };
// Never blocks. The body is kept where it was not sent.
Sent send(zmq::socket_t& socket, const std::string& peer, zmq::message_t& body);

// The TCP connection that a message came over is shut down.
void kick(zmq::message_t& message);
// Of a connection that libzmq owns; empty when it is none, or gone.
std::string connected_address(int fd);
// Bytes that came over it so far, those in the kernel included.
std::uint64_t bytes_received(int fd);
// Shuts a connection down. The descriptor may have been given to another connection meanwhile: one
// of another address is left alone.
void cut_connection(int fd, const std::string& address);

Problem zmq_problem(const zmq::error_t& error, const std::string& what,
                    const std::string& endpoint);

}  // namespace skerry::wire
