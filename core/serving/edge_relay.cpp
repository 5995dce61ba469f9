#include "core/serving/edge_relay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/serving/local_side.hpp"
#include "core/serving/tickets.hpp"
#include "core/wire/dealer.hpp"
#include "core/wire/inbox.hpp"

namespace skerry::serving {
namespace {

constexpr int kTurn = 256;  // frames taken from one socket before the other has its turn
constexpr long kTickMs = 1000;
// libzmq may count twice what it takes: so as many as the cloud lets one node have waiting.
constexpr int kUplinkQueue = 512;
// The cloud is wanted back within a second of its return.
constexpr std::chrono::milliseconds kLongestPause{400};
// An answer that has not come by then will not come: its worker has forgotten the question.
constexpr std::chrono::seconds kOverdue{5};

}  // namespace

class EdgeRelay::Impl {
 public:
  Impl(zmq::context_t& context, LocalSide local, std::shared_ptr<wire::Inbox> inbox)
      : context_(context), local_(std::move(local)), inbox_(std::move(inbox)) {
    thread_ = std::thread([this] { run(); });
  }
  ~Impl() {
    inbox_->stop();
    thread_.join();
    inbox_->close();
  }

  void connect(const std::string& endpoint, const wire::KeyPair& self, const std::string& key) {
    inbox_->post([this, endpoint, self, key] { open_uplink(endpoint, self, key); });
  }
  std::uint64_t reserve(Place place) {
    const std::uint64_t ticket = new_ticket();
    {
      const std::lock_guard lock(mutex_);
      services_.try_emplace(place.service, Service{place.service, 0});
    }
    inbox_->post([this, ticket, place = std::move(place)]() mutable {
      local_.seats().reserve(ticket, std::move(place));
      publish();
    });
    return ticket;
  }
  void release(std::uint64_t ticket) {
    inbox_->post([this, ticket] {
      for (const auto& asker : local_.seats().release(ticket))
        local_.refuse(asker.peer, asker.question, "worker.ended",
                      "the worker that had this question ended; ask again");
      publish();
    });
  }
  std::vector<Service> services() const {
    std::vector<Service> list;
    const std::lock_guard lock(mutex_);
    for (const auto& [name, service] : services_) list.push_back(service);
    return list;
  }

 private:
  // Each look at what has no news costs a system call, and there are many a question.
  struct News {
    bool work = false, local = false, answers = false, uplink = false;
  };

  void run() {
    while (!inbox_->stopped()) {
      const News news = wait();
      if (news.work) do_posted();
      for (int i = 0; news.local && i < kTurn && take_local(); ++i) continue;
      for (int i = 0; uplink_ && news.answers && i < kTurn && take_answer(); ++i) continue;
      const auto now = Clock::now();
      if (uplink_ && (news.uplink || uplink_->retry_at())) {
        if (uplink_->take_events(now)) greet();
        uplink_->retry(now);
      }
      if (now - swept_ > std::chrono::milliseconds(kTickMs)) sweep(now);
    }
    uplink_.reset();
    local_.socket().close();
  }

  void do_posted() {
    for (const auto& work : inbox_->take()) work();
  }

  // So that the cloud knows who is behind the connection before there is a question: one that says
  // nothing looks like a stranger's.
  void greet() {
    auto body = owned(wire::frame(wire::Header{wire::Type::ping}));
    wire::send(uplink_->socket(), {}, body);
  }

  News wait() {
    zmq_pollitem_t items[] = {{nullptr, inbox_->fd(), ZMQ_POLLIN, 0},
                              {local_.socket().handle(), 0, ZMQ_POLLIN, 0},
                              {},
                              {}};
    int count = 2;
    long timeout = kTickMs;
    if (uplink_) {
      items[count++] = {uplink_->socket().handle(), 0, ZMQ_POLLIN, 0};
      items[count++] = {uplink_->events().handle(), 0, ZMQ_POLLIN, 0};
      if (const auto at = uplink_->retry_at())
        timeout = std::clamp<long>(
            std::chrono::ceil<std::chrono::milliseconds>(*at - Clock::now()).count(), 0, kTickMs);
    }
    zmq_poll(items, count, timeout);
    const auto has = [&](int item) { return (items[item].revents & ZMQ_POLLIN) != 0; };
    return {has(0), has(1), has(2), has(3)};
  }

  void sweep(Clock::time_point now) {
    swept_ = now;
    for (const auto& asker : local_.seats().overdue(now - kOverdue))
      local_.refuse(asker.peer, asker.question, "deadline.exceeded", "no answer came in time");
  }

  void open_uplink(const std::string& endpoint, const wire::KeyPair& self, const std::string& key) {
    uplink_.reset();
    self_ = self;
    auto dealer = wire::Dealer::connect(context_, {.endpoint = endpoint,
                                                   .self = &self_,
                                                   .server_key = key,
                                                   .limits = {.max_message = wire::kPredictLimit,
                                                              .send_high_water = kUplinkQueue,
                                                              .receive_high_water = kUplinkQueue,
                                                              .longest_pause = kLongestPause},
                                                   .queue_while_disconnected = false});
    if (!dealer) return log_error("questions cannot go to the cloud: " + dealer.error().text());
    uplink_.emplace(std::move(*dealer));
  }

  bool take_local() {
    Passing passing;
    const wire::Receipt receipt = take(local_.socket(), true, passing);
    if (receipt != wire::Receipt::message) return receipt != wire::Receipt::nothing;
    Seats::Seat* worker = local_.seats().of_peer(passing.peer);
    switch (passing.header.type) {
      case wire::Type::take_seat:
        do_posted();  // its reservation may have come after the last look
        if (local_.take_seat(passing)) publish();
        break;
      case wire::Type::predict_request:
        worker != nullptr ? ask_cloud(*worker, passing) : ask_worker(passing);
        break;
      case wire::Type::predict_reply:
        if (worker != nullptr) answer(*worker, passing);
        break;
      default:
        break;
    }
    return true;
  }

  void ask_worker(Passing& passing) {
    const auto request = wire::parse_request(passing.payload);
    if (!request)
      return local_.refuse(passing.peer, passing.question(), "request.malformed",
                           request.error().message);
    const std::string& service = request->meta.service;
    Seats::Seat* worker = local_.seats().least_busy(service);
    if (worker == nullptr) return refuse_service(passing, service);
    if (worker->in_hand.contains(passing.question()))
      return local_.refuse(passing.peer, passing.question(), "request.malformed", kSameNumber);
    const auto now = Clock::now();
    // 0: as long as the service says, which this host does not know.
    const auto patience =
        request->meta.patience_us == 0 ? now + kLongestPatience : until(request->meta, now);
    while (!local_.give(*worker, passing.body)) {
      Seats::Seat* other = worker->gone ? local_.seats().least_busy(service) : nullptr;
      if (other == nullptr)
        return local_.refuse(passing.peer, passing.question(), "service.unavailable",
                             "the worker of this service does not take questions now; ask again");
      worker = other;
    }
    worker->in_hand[passing.question()] = {passing.question(), passing.peer, patience};
  }

  void refuse_service(const Passing& passing, const std::string& service) {
    Seats& seats = local_.seats();
    if (!seats.serving(service).empty())
      return local_.refuse(passing.peer, passing.question(), "overloaded",
                           "this service has as many questions in hand as it takes; ask again");
    if (seats.knows(service))
      return local_.refuse(passing.peer, passing.question(), "service.unavailable",
                           fmt::format("service `{}` is not ready yet; ask again", service));
    std::string names;
    for (const Service& each : services()) names += (names.empty() ? "" : ", ") + each.name;
    local_.refuse(passing.peer, passing.question(), "service.unknown",
                  fmt::format("this host has no service `{}`; it has {}", service,
                              names.empty() ? "none" : names));
  }

  // A worker asks for its own job and no other.
  void ask_cloud(const Seats::Seat& worker, Passing& passing) {
    const auto request = wire::parse_request(passing.payload);
    if (!request || request->meta.service != worker.place.service)
      return local_.refuse(passing.peer, passing.question(), "service.unknown",
                           "a worker asks the cloud for its own service only");
    const bool connected = uplink_ && uplink_->connected();
    if (connected && passing.header.session == worker.session &&
        wire::send(uplink_->socket(), {}, passing.body) == wire::Sent::ok)
      return;
    local_.refuse(passing.peer, passing.question(), "cloud.unavailable",
                  connected ? "the connection to the cloud has as much as it takes"
                            : "there is no connection to the cloud");
  }

  void answer(Seats::Seat& worker, Passing& passing) {
    if (const auto asker = local_.seats().answered(worker, passing.question()))
      local_.send(asker->peer, passing.body);
  }

  bool take_answer() {
    Passing passing;
    const wire::Receipt receipt = take(uplink_->socket(), false, passing);
    if (receipt != wire::Receipt::message) return receipt != wire::Receipt::nothing;
    if (passing.header.type != wire::Type::predict_reply) return true;
    if (const Seats::Seat* worker = local_.seats().of_session(passing.header.session))
      local_.send(worker->peer, passing.body);
    return true;
  }

  void publish() {
    std::map<std::string, Service> now;
    for (const auto& [ticket, seat] : local_.seats().all()) {
      Service& service = now[seat.place.service];
      service.name = seat.place.service;
      if (seat.serves()) service.version = std::max(service.version, seat.place.version);
    }
    const std::lock_guard lock(mutex_);
    services_ = std::move(now);
  }

  zmq::context_t& context_;
  LocalSide local_;
  std::shared_ptr<wire::Inbox> inbox_;
  wire::KeyPair self_;
  std::optional<wire::Dealer> uplink_;
  Clock::time_point swept_{};
  mutable std::mutex mutex_;  // of what follows
  std::map<std::string, Service> services_;
  std::thread thread_;
};

Result<std::unique_ptr<EdgeRelay>> EdgeRelay::start(zmq::context_t& context,
                                                    const std::string& endpoint) {
  SKERRY_ASSIGN(auto inbox, wire::Inbox::create());
  SKERRY_ASSIGN(auto local, LocalSide::open(context, endpoint));
  return std::unique_ptr<EdgeRelay>(
      new EdgeRelay(std::make_unique<Impl>(context, std::move(local), std::move(inbox))));
}

EdgeRelay::EdgeRelay(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EdgeRelay::~EdgeRelay() = default;
void EdgeRelay::connect(const std::string& endpoint, const wire::KeyPair& self,
                        const std::string& server_key) {
  impl_->connect(endpoint, self, server_key);
}
std::uint64_t EdgeRelay::reserve(Place place) {
  return impl_->reserve(std::move(place));
}
void EdgeRelay::release(std::uint64_t ticket) {
  impl_->release(ticket);
}
std::vector<Service> EdgeRelay::services() const {
  return impl_->services();
}

}  // namespace skerry::serving
