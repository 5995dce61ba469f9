#include <fmt/format.h>

#include <chrono>

#include "core/base/try.hpp"
#include "core/wire/monitor.hpp"
#include "core/wire/sockets.hpp"
#include "core/wire/zap.hpp"

namespace skerry::wire {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{10};

// A socket bound to every address is reached on this machine.
std::string reachable(std::string endpoint) {
  for (const std::string_view any : {"tcp://0.0.0.0:", "tcp://*:", "tcp://[::]:"}) {
    if (endpoint.starts_with(any)) return "tcp://127.0.0.1:" + endpoint.substr(any.size());
  }
  return endpoint;
}

Status wait_for_refusal(Monitor& monitor, const std::string& endpoint) {
  const auto deadline = Clock::now() + kPatience;
  for (auto now = Clock::now(); now < deadline; now = Clock::now()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now);
    zmq_pollitem_t item{monitor.socket().handle(), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, left.count() + 1) < 0 && zmq_errno() == ETERM) break;
    while (const auto event = monitor.take()) {
      if (*event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) return {};
      if (*event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
        return fail(Code::failed_precondition,
                    fmt::format("{} let a random key in: its keys are not checked, so it must not "
                                "serve; report this as a security defect",
                                endpoint));
      }
    }
  }
  return fail(Code::unavailable,
              fmt::format("{} neither refused nor accepted a random key within {} s, so it is not "
                          "proved that strangers stay outside; is the machine overloaded?",
                          endpoint, kPatience.count()));
}

}  // namespace

Status prove_strangers_are_refused(zmq::context_t& context, const std::string& endpoint,
                                   const std::string& server_public_key) try {
  SKERRY_ASSIGN(auto stranger, KeyPair::generate());
  zmq::socket_t socket(context, zmq::socket_type::dealer);
  set_limits(socket, {1024, 1, 1}, endpoint);
  set_curve_client(socket, stranger, server_public_key);
  SKERRY_ASSIGN(auto monitor, Monitor::open(context, socket));
  socket.connect(reachable(endpoint));
  return wait_for_refusal(monitor, endpoint);
} catch (const zmq::error_t& error) {
  return fail(zmq_problem(error, "test the keys of", endpoint));
}

}  // namespace skerry::wire
