#include "hosts/cli/admin/admin_client.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <optional>
#include <zmq.hpp>

#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/base/units.hpp"
#include "core/wire/envelope.hpp"
#include "core/wire/messages.hpp"
#include "core/wire/monitor.hpp"
#include "core/wire/sockets.hpp"
#include "hosts/cli/run/interrupt.hpp"
#include "hosts/cli/view/problems.hpp"

namespace skerry::cli {
namespace {

constexpr std::chrono::milliseconds kSlice{100};  // how soon a signal is noticed
constexpr std::chrono::milliseconds kHandshake{10'000};
constexpr std::chrono::milliseconds kLook{500};  // how soon it is noticed that the cloud is gone

Problem nobody_there(const std::string& endpoint) {
  return {Code::unavailable,
          "no skerry-cloud answers at " + endpoint +
              "; start one with `skerry-cloud --state DIR --listen tcp://0.0.0.0:7443`, or name "
              "the state "
              "directory of the one that runs with --state",
          "", ""};
}

// ZeroMQ connects in the background and never tells that nobody listens, so ask the kernel.
Status probe(const std::filesystem::path& socket_file, const std::string& endpoint) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_file.native().size() >= sizeof address.sun_path) {
    return fail(
        Code::invalid_argument,
        fmt::format("the path of the cloud's socket is {} characters long; the system allows {}; "
                    "choose a state directory with a shorter path",
                    socket_file.native().size(), sizeof address.sun_path - 1),
        socket_file.string());
  }
  std::memcpy(address.sun_path, socket_file.c_str(), socket_file.native().size());
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail(errno_problem(errno, "make a socket", socket_file));
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return {};
  if (errno == EACCES) {
    return fail(Code::permission_denied,
                "this cloud belongs to another user; run the command as that user",
                socket_file.string());
  }
  return fail(nobody_there(endpoint));
}

Problem not_let_in(const std::string& endpoint) {
  return {
      Code::permission_denied,
      fmt::format("the cloud at {} does not know this admin key: it was revoked, or the cloud's "
                  "state is another one now; make a new key there with `skerry admin-key new`",
                  endpoint),
      "", ""};
}

Problem another_cloud(const std::string& endpoint) {
  return {Code::permission_denied,
          fmt::format("what listens at {} is not the cloud that this admin key was made for: it "
                      "has another key, or is no skerry-cloud's --admin-listen address",
                      endpoint),
          "", ""};
}

std::vector<Problem> one(Code code, std::string message) {
  return {Problem{code, std::move(message), "", ""}};
}

}  // namespace

struct AdminClient::Connection {
  std::filesystem::path file;  // of the local socket; empty: over the network
  std::string endpoint;
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::dealer};
  std::optional<wire::Monitor> monitor;  // over the network
  bool refused = false;                  // whoever answers takes no questions
  std::uint64_t last_id = 0;

  // Nothing: no answer within `wait`.
  std::optional<wire::AdminReply> receive(std::chrono::milliseconds wait) {
    zmq_pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, wait.count()) <= 0) return std::nullopt;  // a signal ends the wait, too
    zmq::message_t message;
    if (!socket.recv(message, zmq::recv_flags::dontwait)) return std::nullopt;
    const auto received = wire::parse_frame(message.to_string_view(), wire::kLocalLimit);
    if (received && received->header.type == wire::Type::refused) refused = true;
    if (!received || received->header.type != wire::Type::admin_reply) return std::nullopt;
    auto reply = wire::decode<wire::AdminReply>(received->payload());
    if (!reply || reply->id != last_id) return std::nullopt;
    return std::move(*reply);
  }

  Reply ask(const std::string& verb, const Json& body, std::chrono::milliseconds patience) {
    const wire::AdminRequest request{++last_id, verb, dump_json(body)};
    socket.send(zmq::buffer(wire::frame(0, 0, 0, request)), zmq::send_flags::dontwait);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    auto look = std::chrono::steady_clock::now() + kLook;
    const int signals = Interrupt::count();
    while (std::chrono::steady_clock::now() < deadline) {
      if (Interrupt::count() > signals) return tl::unexpected(one(Code::cancelled, "interrupted"));
      const auto reply = receive(kSlice);
      if (reply) return read(*reply);
      if (refused) {
        return tl::unexpected(
            one(Code::permission_denied,
                fmt::format("{} is where edges connect; an admin key is for the address that the "
                            "cloud was given with --admin-listen",
                            endpoint)));
      }
      if (std::chrono::steady_clock::now() < look) continue;
      if (const Status there = look_again(); !there)
        return tl::unexpected(std::vector<Problem>{there.error()});
      look += kLook;
    }
    return tl::unexpected(
        one(Code::deadline_exceeded,
            fmt::format("skerry-cloud at {} did not answer \"{}\" within {}; see its log", endpoint,
                        verb, format_duration(patience))));
  }

  // Is somebody still there?
  Status look_again() {
    if (!monitor) return probe(file, endpoint);
    while (const auto event = monitor->take()) {
      if (*event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return fail(not_let_in(endpoint));
      if (*event == ZMQ_EVENT_DISCONNECTED) {
        return fail(
            Code::unavailable,
            fmt::format("the connection to {} broke; is the cloud still running?", endpoint));
      }
    }
    return {};
  }

  // Waits until the cloud has let this key in, or has not.
  Status shake_hands() {
    const auto deadline = std::chrono::steady_clock::now() + kHandshake;
    bool cut = false;
    while (std::chrono::steady_clock::now() < deadline) {
      zmq_pollitem_t item{monitor->socket().handle(), 0, ZMQ_POLLIN, 0};
      if (zmq_poll(&item, 1, kSlice.count()) < 0 && Interrupt::arrived())
        return fail(Code::cancelled, "interrupted");
      while (const auto event = monitor->take()) {
        if (*event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) return {};
        if (*event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return fail(not_let_in(endpoint));
        if (*event != ZMQ_EVENT_CONNECT_RETRIED) cut = true;
      }
      if (cut) return fail(another_cloud(endpoint));
    }
    return fail(
        Code::unavailable,
        fmt::format("no skerry-cloud answers at {} within {}; is the address right, does it "
                    "run with --admin-listen, does a firewall stop the connection?",
                    endpoint, format_duration(kHandshake)));
  }

  Reply read(const wire::AdminReply& reply) const {
    auto body = parse_json(reply.body.empty() ? "{}" : reply.body, endpoint);
    if (!body) return tl::unexpected(std::vector<Problem>{body.error()});
    if (!reply.ok) return tl::unexpected(problems_from_json(*body));
    return std::move(*body);
  }
};

AdminClient::AdminClient(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
AdminClient::AdminClient(AdminClient&&) noexcept = default;
AdminClient& AdminClient::operator=(AdminClient&&) noexcept = default;
AdminClient::~AdminClient() = default;

const std::string& AdminClient::endpoint() const {
  return connection_->endpoint;
}

Result<AdminClient> AdminClient::connect(const std::filesystem::path& state_dir) {
  std::error_code ignored;
  const auto file = std::filesystem::absolute(state_dir, ignored) / "admin.sock";
  const std::string endpoint = "ipc://" + file.string();
  const Status there = probe(file, endpoint);
  if (!there) return fail(there.error());
  try {
    auto connection = std::make_unique<Connection>();
    connection->file = file;
    connection->endpoint = endpoint;
    connection->socket.set(zmq::sockopt::linger, 0);
    connection->socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(wire::kLocalLimit));
    connection->socket.set(zmq::sockopt::reconnect_ivl, 20);
    connection->socket.connect(endpoint);
    return AdminClient(std::move(connection));
  } catch (const zmq::error_t& error) {
    return fail(Code::unavailable, fmt::format("cannot connect to {}: {}", endpoint, error.what()));
  }
}

Result<AdminClient> AdminClient::connect(const AdminKey& key) {
  SKERRY_ASSIGN(const auto pair, wire::KeyPair::from_secret(key.secret_key));
  try {
    auto connection = std::make_unique<Connection>();
    connection->endpoint = key.endpoint;
    wire::set_limits(connection->socket, {wire::kLocalLimit, 100, 100}, key.endpoint);
    wire::set_curve_client(connection->socket, pair, key.server_key);
    SKERRY_ASSIGN(connection->monitor,
                  wire::Monitor::open(connection->context, connection->socket));
    connection->socket.connect(key.endpoint);
    SKERRY_TRY(connection->shake_hands());
    return AdminClient(std::move(connection));
  } catch (const zmq::error_t& error) {
    return fail(Code::unavailable,
                fmt::format("cannot connect to {}: {}", key.endpoint, error.what()));
  }
}

AdminClient::Reply AdminClient::call(const std::string& verb, const Json& body,
                                     std::chrono::milliseconds patience) {
  try {
    return connection_->ask(verb, body, patience);
  } catch (const zmq::error_t& error) {
    return tl::unexpected(one(Code::unavailable, fmt::format("{}: {}", endpoint(), error.what())));
  }
}

Result<Json> first_problem(AdminClient::Reply reply) {
  if (!reply) return fail(reply.error().front());
  return std::move(*reply);
}

}  // namespace skerry::cli
