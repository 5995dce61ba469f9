#include "core/wire/dealer.hpp"

#include <algorithm>
#include <cstdlib>
#include <mutex>

#include "core/base/try.hpp"

namespace skerry::wire {
namespace {

constexpr std::chrono::milliseconds kFirstPause{200};

// libzmq draws the jitter of its reconnections from rand() and never seeds it: all edges would come
// back at the same moments.
void seed_jitter() {
  static std::once_flag once;
  std::call_once(once, [] { std::srand(std::random_device{}()); });
}

}  // namespace

Result<Dealer> Dealer::connect(zmq::context_t& context, const Options& options) try {
  seed_jitter();
  Dealer dealer;
  dealer.endpoint_ = options.endpoint;
  dealer.pause_ = kFirstPause;
  dealer.longest_pause_ = options.limits.longest_pause;
  dealer.socket_ = zmq::socket_t(context, zmq::socket_type::dealer);
  set_limits(dealer.socket_, options.limits, options.endpoint);
  choose_io_thread(context, dealer.socket_, options.limits);
  dealer.socket_.set(zmq::sockopt::immediate, !options.queue_while_disconnected);
  if (options.self) set_curve_client(dealer.socket_, *options.self, options.server_key);
  SKERRY_ASSIGN(dealer.monitor_, Monitor::open(context, dealer.socket_));
  dealer.socket_.connect(options.endpoint);
  return dealer;
} catch (const zmq::error_t& error) {
  return fail(zmq_problem(error, "connect to", options.endpoint));
}

bool Dealer::take_events(Clock::time_point now) {
  bool anew = false;
  while (const auto event = monitor_.take()) {
    switch (*event) {
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        connected_ = anew = true;
        reception_ = Reception::welcome;
        retry_at_.reset();
        pause_ = kFirstPause;
        break;
      case ZMQ_EVENT_CONNECT_RETRIED:
        retry_at_.reset();
        break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        reception_ = *event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ? Reception::key_refused
                                                               : Reception::cut_short;
        [[fallthrough]];
      case ZMQ_EVENT_DISCONNECTED:
        connected_ = anew = false;
        if (!retry_at_) {
          const auto jitter = std::chrono::milliseconds(random_() % kFirstPause.count());
          retry_at_ = now + pause_ + jitter;
          pause_ = std::min(2 * pause_, longest_pause_);
        }
        break;
      default:
        break;
    }
  }
  return anew;
}

void Dealer::retry(Clock::time_point now) {
  if (!retry_at_ || now < *retry_at_) return;
  retry_at_.reset();
  // A second connect to one endpoint does nothing while the first is remembered. It may be
  // forgotten already.
  zmq_disconnect(socket_.handle(), endpoint_.c_str());
  if (zmq_connect(socket_.handle(), endpoint_.c_str()) != 0) retry_at_ = now + longest_pause_;
}

}  // namespace skerry::wire
