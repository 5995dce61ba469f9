#include "core/wire/sockets.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "core/wire/zap.hpp"

namespace skerry::wire {
namespace {

// CURVE adds a command name, a nonce, a flag and an authenticator: 33 bytes.
constexpr std::size_t kCurveOverhead = 64;
// ZMQ_ZAP_ENFORCE_DOMAIN, which zmq.h shows only to draft builds.
constexpr int kZapEnforceDomain = 93;
// TCP_ESTABLISHED of netinet/tcp.h, whose tcp_info lacks what linux/tcp.h has.
constexpr int kEstablished = 1;

constexpr int kHandshakeMs = 5000, kBacklog = 4096;
constexpr int kHeartbeatMs = 5000, kHeartbeatTimeoutMs = 15000;
constexpr int kReconnectMs = 200;
constexpr int kLocalReconnectMs = 20, kLocalReconnectMaxMs = 1000;

void set_int(zmq::socket_t& socket, int option, int value) {
  if (zmq_setsockopt(socket.handle(), option, &value, sizeof value) != 0) throw zmq::error_t();
}

// Local sockets have no keys: libzmq asks the kernel who connects (SO_PEERCRED), and closes on
// everybody but this process's user and root.
void admit_own_user_only(zmq::socket_t& socket) {
  for (const uid_t user : {::geteuid(), uid_t{0}})
    set_int(socket, ZMQ_IPC_FILTER_UID, static_cast<int>(user));
}

bool is_established_tcp(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
         info.tcpi_state == kEstablished;
}

}  // namespace

std::string connected_address(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* raw = &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr;
  if (address.ss_family == AF_INET6) {
    raw = &reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr;
  }
  if (!::inet_ntop(address.ss_family, raw, text.data(), text.size())) return {};
  return text.data();
}

std::uint64_t bytes_received(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_bytes_received;
}

void cut_connection(int fd, const std::string& address) {
  if (fd < 0 || address.empty() || !is_established_tcp(fd)) return;
  if (connected_address(fd) == address) ::shutdown(fd, SHUT_RDWR);
}

void kick(zmq::message_t& message) {
  const char* address = zmq_msg_gets(message.handle(), "Peer-Address");
  cut_connection(zmq_msg_get(message.handle(), ZMQ_SRCFD), address ? address : "");
}

namespace {

bool receive_frame(zmq::socket_t& socket, zmq::message_t& frame) {
  return zmq_msg_recv(frame.handle(), socket.handle(), ZMQ_DONTWAIT) >= 0;
}

}  // namespace

void set_limits(zmq::socket_t& socket, const SocketLimits& limits, const std::string& endpoint) {
  const bool local = endpoint.starts_with("ipc://");
  const auto max_message = static_cast<std::int64_t>(limits.max_message + kCurveOverhead);
  socket.set(zmq::sockopt::maxmsgsize, max_message);
  socket.set(zmq::sockopt::sndhwm, limits.send_high_water);
  socket.set(zmq::sockopt::rcvhwm, limits.receive_high_water);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
  socket.set(zmq::sockopt::backlog, kBacklog);
  socket.set(zmq::sockopt::reconnect_ivl, local ? kLocalReconnectMs : kReconnectMs);
  socket.set(zmq::sockopt::reconnect_ivl_max,
             local ? kLocalReconnectMaxMs : static_cast<int>(limits.longest_pause.count()));
  if (local) return;
  socket.set(zmq::sockopt::heartbeat_ivl, kHeartbeatMs);
  socket.set(zmq::sockopt::heartbeat_timeout, kHeartbeatTimeoutMs);
  socket.set(zmq::sockopt::heartbeat_ttl, kHeartbeatTimeoutMs);
}

void choose_io_thread(zmq::context_t& context, zmq::socket_t& socket, const SocketLimits& limits) {
  if (context.get(zmq::ctxopt::io_threads) < kIoThreads) return;
  socket.set(zmq::sockopt::affinity, std::uint64_t{limits.bulk ? 2u : 1u});
}

void set_curve_server(zmq::socket_t& socket, const KeyPair& self) {
  socket.set(zmq::sockopt::curve_server, true);
  socket.set(zmq::sockopt::curve_secretkey, self.secret_key);
  socket.set(zmq::sockopt::zap_domain, kZapDomain);
  set_int(socket, kZapEnforceDomain, 1);
}

void set_curve_client(zmq::socket_t& socket, const KeyPair& self, const std::string& server_key) {
  socket.set(zmq::sockopt::curve_serverkey, server_key);
  socket.set(zmq::sockopt::curve_publickey, self.public_key);
  socket.set(zmq::sockopt::curve_secretkey, self.secret_key);
}

Result<zmq::socket_t> make_router(zmq::context_t& context, const std::string& endpoint,
                                  const KeyPair* self, const SocketLimits& limits) try {
  zmq::socket_t socket(context, zmq::socket_type::router);
  set_limits(socket, limits, endpoint);
  choose_io_thread(context, socket, limits);
  socket.set(zmq::sockopt::router_mandatory, true);
  if (self) set_curve_server(socket, *self);
  if (endpoint.starts_with("ipc://")) admit_own_user_only(socket);
  socket.bind(endpoint);
  return socket;
} catch (const zmq::error_t& error) {
  return fail(zmq_problem(error, "listen on", endpoint));
}

std::string bound_endpoint(zmq::socket_t& socket) {
  return socket.get(zmq::sockopt::last_endpoint);
}

Receipt receive(zmq::socket_t& socket, bool router, Arrived& arrived) {
  zmq::message_t peer;
  if (router && !receive_frame(socket, peer)) return Receipt::nothing;
  if (!receive_frame(socket, arrived.body)) return Receipt::nothing;
  if (arrived.body.more()) {
    do {
      if (!receive_frame(socket, arrived.body)) break;
    } while (arrived.body.more());
    kick(arrived.body);
    return Receipt::multipart;
  }
  if (router) arrived.peer.assign(peer.data<char>(), peer.size());
  const char* user = zmq_msg_gets(arrived.body.handle(), "User-Id");
  arrived.user = user ? user : "";
  return Receipt::message;
}

// By its name: ThreadSanitizer does not see how libzmq's thread came by the message
// (tests/sanitizers).
void free_frame(void*, void* frame) {
  delete static_cast<std::string*>(frame);
}

zmq::message_t message_of(std::string bytes) {
  auto* kept = new std::string(std::move(bytes));
  return {kept->data(), kept->size(), free_frame, kept};
}

Sent send(zmq::socket_t& socket, const std::string& peer, zmq::message_t& body) {
  if (!peer.empty()) {
    if (zmq_send(socket.handle(), peer.data(), peer.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
      return zmq_errno() == EAGAIN ? Sent::full : Sent::no_peer;
    }
  }
  if (zmq_msg_send(body.handle(), socket.handle(), ZMQ_DONTWAIT) < 0) {
    return zmq_errno() == EAGAIN ? Sent::full : Sent::no_peer;
  }
  return Sent::ok;
}

Problem zmq_problem(const zmq::error_t& error, const std::string& what,
                    const std::string& endpoint) {
  const bool ours = error.num() == EINVAL || error.num() == EPROTONOSUPPORT;
  return {
      ours ? Code::invalid_argument : Code::unavailable,
      fmt::format("cannot {} {}: {}{}", what, endpoint, error.what(),
                  error.num() == EADDRINUSE ? "; another process has it, choose another port" : ""),
      {},
      {}};
}

}  // namespace skerry::wire
