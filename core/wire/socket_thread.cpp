#include "core/wire/socket_thread.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/wire/dealer.hpp"
#include "core/wire/doorman.hpp"
#include "core/wire/sockets.hpp"
#include "core/wire/wake.hpp"

namespace skerry::wire {
namespace {

using Clock = Dealer::Clock;

// Messages, and bytes of them, taken from one socket before the others have their turn.
constexpr int kTurn = 256;
constexpr std::size_t kTurnBytes = 4u << 20;

// What one connection that floods can make the host hold: messages that wait to be taken, and bytes
// that wait in the kernel to be read.
constexpr std::size_t kQueueOfGuest = 8u << 20;
constexpr std::size_t kInKernel = 8u << 20;

int queue_of_guest(std::size_t max_message) {
  return static_cast<int>(std::clamp<std::size_t>(kQueueOfGuest / max_message, 4, 1000));
}

struct Port {
  std::optional<zmq::socket_t> router;
  std::optional<Dealer> dealer;
  std::optional<Doorman> doorman;  // of a router with CURVE
  std::function<void(Reception)> on_reception;

  zmq::socket_t& socket() { return router ? *router : dealer->socket(); }
};

// What was handed over and is not handled yet. Shared with those who hold it, who may outlive the
// thread.
struct Gate {
  explicit Gate(Wake wake) : wake(std::move(wake)) {}

  bool open() const { return in_hand < SocketThread::kMaxInHand; }
  std::shared_ptr<const void> hold(const std::shared_ptr<Gate>& self, std::size_t bytes) {
    in_hand += bytes;
    return {static_cast<void*>(nullptr), [self, bytes](const void*) {
              const bool was_open = self->open();
              self->in_hand -= bytes;
              if (!was_open && self->open()) self->wake.notify();
            }};
  }

  Wake wake;
  std::atomic<std::size_t> in_hand{0};
};

Result<std::shared_ptr<Gate>> make_gate() {
  SKERRY_ASSIGN(auto wake, Wake::create());
  return std::make_shared<Gate>(std::move(wake));
}

struct Outgoing {
  int socket;
  std::string peer;
  std::string data;
};

}  // namespace

class SocketThread::Impl {
 public:
  Impl(zmq::context_t& context, Deliver deliver)
      : context_(context), deliver_(std::move(deliver)), gate_(make_gate()) {
    if (gate_) thread_ = std::thread([this] { run(); });
  }

  ~Impl() {
    if (!thread_.joinable()) return;
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    gate().wake.notify();
    thread_.join();
  }

  Result<std::pair<int, std::string>> bind_router(const RouterOptions& options) {
    const bool guarded = options.curve.has_value();
    const SocketLimits limits{options.max_message, options.high_water,
                              guarded ? queue_of_guest(options.max_message) : options.high_water};
    SKERRY_ASSIGN(auto socket, make_router(context_, options.endpoint,
                                           options.curve ? &*options.curve : nullptr, limits));
    std::string endpoint = bound_endpoint(socket);
    Port port;
    port.router = std::move(socket);
    if (guarded) {
      SKERRY_ASSIGN(port.doorman, Doorman::open(context_, *port.router, kQueueOfGuest + kInKernel,
                                                options.on_refused));
    }
    SKERRY_ASSIGN(const int number,
                  adopt(std::move(port), std::max(options.max_message, options.max_answer)));
    return std::pair{number, std::move(endpoint)};
  }

  Result<int> connect_dealer(const DealerOptions& options) {
    Dealer::Options dealer;
    dealer.endpoint = options.endpoint;
    dealer.self = options.curve ? &*options.curve : nullptr;
    dealer.server_key = options.server_key;
    dealer.limits = {options.max_message, options.high_water, options.high_water};
    dealer.queue_while_disconnected = options.queue_while_disconnected;
    SKERRY_ASSIGN(auto connected, Dealer::connect(context_, dealer));
    Port port;
    port.dealer = std::move(connected);
    port.on_reception = options.on_reception;
    return adopt(std::move(port), options.max_message);
  }

  void send(int socket, std::string peer, std::string data) {
    const std::size_t size = data.size();
    std::size_t limit = 0;
    bool wake = false;
    {
      std::lock_guard lock(mutex_);
      const auto at = limits_.find(socket);
      if (at != limits_.end()) limit = at->second;
      if (size <= limit) {
        wake = outgoing_.empty() && std::this_thread::get_id() != thread_.get_id();
        outgoing_.push_back({socket, std::move(peer), std::move(data)});
      }
    }
    if (wake) gate().wake.notify();
    if (size > limit) refuse(socket, size, limit);
  }

  void disconnect(int socket) {
    {
      std::lock_guard lock(mutex_);
      limits_.erase(socket);
      removed_.push_back(socket);
    }
    gate().wake.notify();
  }

  void turn_out(std::string user) {
    {
      std::lock_guard lock(mutex_);
      turned_out_.push_back(std::move(user));
    }
    gate().wake.notify();
  }

  Counters counters() const {
    return {received_,  sent_,      dropped_no_peer_, dropped_full_, dropped_multipart_,
            oversized_, unwelcome_, bytes_received_,  bytes_sent_,   cut_};
  }

 private:
  // The lock hands the socket from the caller's thread to this one.
  Result<int> adopt(Port port, std::size_t max_message) {
    if (!gate_) return fail(gate_.error());
    int number;
    {
      std::lock_guard lock(mutex_);
      number = next_number_++;
      limits_[number] = max_message;
      added_.emplace_back(number, std::move(port));
    }
    gate().wake.notify();
    return number;
  }

  void refuse(int socket, std::size_t size, std::size_t limit) {
    if (limit == 0) {
      ++dropped_no_peer_;  // the socket was closed
      return;
    }
    ++oversized_;
    log_error(fmt::format("a message of {} bytes was not sent on socket {}: at most {} are allowed",
                          size, socket, limit));
  }

  void run() {
    while (take_commands()) {
      watch();
      if (zmq_poll(items_.data(), static_cast<int>(items_.size()), wait_ms()) < 0 &&
          zmq_errno() == ETERM) {
        break;
      }
      gate().wake.clear();
      look_after_connections();
      receive_all();
    }
    ports_.clear();
    added_.clear();
  }

  // False when the thread must end.
  bool take_commands() {
    std::vector<std::pair<int, Port>> added;
    std::vector<int> removed;
    std::vector<Outgoing> outgoing;
    std::vector<std::string> turned_out;
    {
      std::lock_guard lock(mutex_);
      if (stopping_) return false;
      added.swap(added_);
      removed.swap(removed_);
      outgoing.swap(outgoing_);
      turned_out.swap(turned_out_);
    }
    for (auto& [number, port] : added) ports_.emplace(number, std::move(port));
    for (const auto& message : outgoing) send_now(message);
    for (const int number : removed) ports_.erase(number);
    for (const std::string& user : turned_out)
      for (auto& [number, port] : ports_)
        if (port.doorman) port.doorman->turn_out(user, Clock::now());
    return true;
  }

  void send_now(const Outgoing& message) {
    const auto at = ports_.find(message.socket);
    if (at == ports_.end()) {
      ++dropped_no_peer_;
      return;
    }
    zmq::message_t body(message.data.data(), message.data.size());
    switch (wire::send(at->second.socket(), message.peer, body)) {
      case Sent::ok:
        ++sent_;
        bytes_sent_ += message.data.size();
        break;
      case Sent::no_peer:
        ++dropped_no_peer_;
        break;
      case Sent::full:
        ++dropped_full_;
        break;
    }
  }

  Gate& gate() { return **gate_; }

  void watch() {
    items_.clear();
    items_.push_back({nullptr, gate().wake.fd(), ZMQ_POLLIN, 0});
    const bool open = gate().open();
    for (auto& [number, port] : ports_) {
      if (open) items_.push_back({port.socket().handle(), 0, ZMQ_POLLIN, 0});
      if (port.dealer) items_.push_back({port.dealer->events().handle(), 0, ZMQ_POLLIN, 0});
      if (port.doorman) items_.push_back({port.doorman->events().handle(), 0, ZMQ_POLLIN, 0});
    }
  }

  long wait_ms() {
    std::optional<Clock::time_point> first;
    for (auto& [number, port] : ports_) {
      const auto at = port.dealer    ? port.dealer->retry_at()
                      : port.doorman ? port.doorman->due()
                                     : std::nullopt;
      if (at && (!first || *at < *first)) first = at;
    }
    if (!first) return -1;
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(*first - Clock::now()).count();
    return std::max<long>(0, left + 1);
  }

  void look_after_connections() {
    const auto now = Clock::now();
    for (auto& [number, port] : ports_) {
      if (port.doorman) {
        port.doorman->look(now);
        cut_ += port.doorman->take_cuts();
      }
      if (!port.dealer) continue;
      port.dealer->take_events(now);
      if (const auto reception = port.dealer->take_reception(); reception && port.on_reception)
        port.on_reception(*reception);
      port.dealer->retry(now);
    }
  }

  void receive_all() {
    if (!gate().open()) return;
    Batch batch;
    std::size_t bytes = 0;
    for (auto& [number, port] : ports_) bytes += receive_some(number, port, batch.messages);
    if (batch.messages.empty()) return;
    batch.hold = gate().hold(*gate_, bytes);
    deliver_(std::move(batch));
  }

  // Returns how many bytes.
  std::size_t receive_some(int number, Port& port, std::vector<Incoming>& batch) {
    std::size_t bytes = 0;
    for (int i = 0; i < kTurn && bytes < kTurnBytes; ++i) {
      Arrived arrived;
      const Receipt receipt = receive(port.socket(), port.router.has_value(), arrived);
      if (receipt == Receipt::nothing) break;
      if (receipt == Receipt::multipart) {
        ++dropped_multipart_;
        continue;
      }
      if (port.doorman && !port.doorman->admit(arrived)) {
        ++unwelcome_;
        continue;
      }
      ++received_;
      bytes_received_ += arrived.body.size();
      bytes += arrived.body.size();
      batch.push_back(
          {number, std::move(arrived.peer), std::move(arrived.user), arrived.body.to_string()});
    }
    return bytes;
  }

  zmq::context_t& context_;
  Deliver deliver_;
  Result<std::shared_ptr<Gate>> gate_;

  std::mutex mutex_;  // guards what follows, up to the blank line
  bool stopping_ = false;
  int next_number_ = 1;
  std::map<int, std::size_t> limits_;  // of open sockets
  std::vector<std::pair<int, Port>> added_;
  std::vector<int> removed_;
  std::vector<Outgoing> outgoing_;
  std::vector<std::string> turned_out_;

  std::map<int, Port> ports_;  // the thread's own, as are items_
  std::vector<zmq_pollitem_t> items_;

  std::atomic<std::uint64_t> received_{0}, sent_{0}, dropped_no_peer_{0}, dropped_full_{0},
      dropped_multipart_{0}, oversized_{0}, unwelcome_{0}, bytes_received_{0}, bytes_sent_{0},
      cut_{0};
  std::thread thread_;
};

SocketThread::SocketThread(zmq::context_t& context, Deliver deliver)
    : impl_(std::make_unique<Impl>(context, std::move(deliver))) {}
SocketThread::~SocketThread() = default;

Result<std::pair<int, std::string>> SocketThread::bind_router(const RouterOptions& options) {
  return impl_->bind_router(options);
}
Result<int> SocketThread::connect_dealer(const DealerOptions& options) {
  return impl_->connect_dealer(options);
}
void SocketThread::send(int socket, std::string peer, std::string data) {
  impl_->send(socket, std::move(peer), std::move(data));
}
void SocketThread::disconnect(int socket) {
  impl_->disconnect(socket);
}
void SocketThread::turn_out(std::string user) {
  impl_->turn_out(std::move(user));
}
SocketThread::Counters SocketThread::counters() const {
  return impl_->counters();
}

}  // namespace skerry::wire
