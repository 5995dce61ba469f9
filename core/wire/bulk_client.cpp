#include "core/wire/bulk_client.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <thread>
#include <vector>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/wire/bulk_get.hpp"
#include "core/wire/bulk_put.hpp"
#include "core/wire/dealer.hpp"
#include "core/wire/give_way.hpp"
#include "core/wire/inbox.hpp"

namespace skerry::wire {
namespace {

using Clock = Transfer::Clock;

constexpr int kTurn = 64;
// Chunks under way of all transfers together: enough for 2 MiB of bandwidth times delay.
constexpr std::size_t kWindow = 8;
constexpr int kQueue = 32;
constexpr std::chrono::seconds kTryAgain{1};

}  // namespace

class BulkClient::Impl {
 public:
  struct Server {
    std::string endpoint;
    KeyPair self;
    std::string key;
  };

  Impl(zmq::context_t& context, Server server, std::chrono::milliseconds idle,
       std::shared_ptr<Inbox> inbox)
      : context_(context), server_(std::move(server)), idle_(idle), inbox_(std::move(inbox)) {
    thread_ = std::thread([this] { run(); });
  }

  ~Impl() {
    inbox_->stop();
    thread_.join();
    inbox_->close();
  }

  void get(const Digest& digest, std::filesystem::path file, Done done) {
    post([this, digest, file = std::move(file), done = std::move(done)] {
      begin<GetTransfer>(digest, file, done);
    });
  }

  void put(const Digest& digest, PutContent content, Done done) {
    post([this, digest, content = std::move(content), done = std::move(done)] {
      begin<PutTransfer>(digest, content, done);
    });
  }

  template <class Kind>
  void cancel(const Digest& digest) {
    post(
        [this, digest] { end_if([&](const Active& active) { return is<Kind>(active, digest); }); });
  }

 private:
  struct Active {
    std::unique_ptr<Transfer> transfer;
    Done done;
  };

  template <class Kind>
  static bool is(const Active& active, const Digest& digest) {
    return active.transfer->digest() == digest && dynamic_cast<Kind*>(active.transfer.get());
  }

  void post(Inbox::Work work) { inbox_->post(std::move(work)); }

  template <class Kind, class Content>
  void begin(const Digest& digest, const Content& content, const Done& done) {
    for (const auto& [number, active] : active_) {
      if (is<Kind>(active, digest)) {
        done(fail(Code::already_exists, "a transfer of this blob is under way: " + digest.hex()));
        return;
      }
    }
    const auto number = next_number_++;
    active_[number] = {std::make_unique<Kind>(number, digest, content), done};
  }

  void run() {
    give_way();
    while (!inbox_->stopped()) {
      if (!wait()) break;
      for (const auto& work : inbox_->take()) work();
      connect_while_needed();
      look_after_connection();
      receive_some();
      restart_overdue();
      report_ended();
      send_what_may();
      report_ended();
    }
    for (const auto& work : inbox_->take()) work();
    end_if([](const Active&) { return true; });
  }

  bool wait() {
    std::vector<zmq_pollitem_t> items{{nullptr, inbox_->fd(), ZMQ_POLLIN, 0}};
    if (dealer_) {
      const short out = unsent_ && dealer_->connected() ? ZMQ_POLLOUT : 0;
      items.push_back({dealer_->socket().handle(), 0, static_cast<short>(ZMQ_POLLIN | out), 0});
      items.push_back({dealer_->events().handle(), 0, ZMQ_POLLIN, 0});
    }
    return zmq_poll(items.data(), static_cast<int>(items.size()), wait_ms()) >= 0 ||
           zmq_errno() != ETERM;
  }

  long wait_ms() const {
    std::optional<Clock::time_point> first;
    const auto also = [&](Clock::time_point at) { first = first ? std::min(*first, at) : at; };
    if (dealer_ && dealer_->retry_at()) also(*dealer_->retry_at());
    if (dealer_ && active_.empty()) also(needed_ + idle_);
    if (!dealer_ && !active_.empty()) also(connect_at_);
    for (const auto& [number, active] : active_) also(active.transfer->due());
    if (!first) return -1;
    const auto left = *first - Clock::now();
    return std::max<long>(0,
                          std::chrono::duration_cast<std::chrono::milliseconds>(left).count() + 1);
  }

  void connect_while_needed() {
    const auto now = Clock::now();
    if (!active_.empty()) needed_ = now;
    if (dealer_ && now - needed_ >= idle_) {
      unsent_.reset();
      dealer_.reset();
    }
    if (dealer_ || active_.empty() || now < connect_at_) return;
    Dealer::Options options;
    options.endpoint = server_.endpoint;
    options.self = &server_.self;
    options.server_key = server_.key;
    options.limits = {kBulkLimit, kQueue, kQueue, true};
    options.queue_while_disconnected = false;  // transfers begin anew with each connection
    if (auto connected = Dealer::connect(context_, options)) {
      dealer_ = std::move(*connected);
    } else {
      log_warn(connected.error().text());
      connect_at_ = now + kTryAgain;
    }
  }

  void look_after_connection() {
    if (!dealer_) return;
    const auto now = Clock::now();
    if (dealer_->take_events(now)) {
      unsent_.reset();
      for (auto& [number, active] : active_) active.transfer->restart(now);
    }
    dealer_->retry(now);
  }

  void receive_some() {
    for (int i = 0; dealer_ && i < kTurn; ++i) {
      Arrived arrived;
      const Receipt receipt = receive(dealer_->socket(), false, arrived);
      if (receipt == Receipt::nothing) return;
      if (receipt == Receipt::multipart) continue;
      const auto frame = check_frame(arrived.body.to_string_view(), kBulkLimit);
      if (!frame) continue;
      const auto at = active_.find(frame->header.seq);
      if (at == active_.end() || at->second.transfer->outcome()) continue;
      at->second.transfer->receive(*frame);
    }
  }

  void restart_overdue() {
    const auto now = Clock::now();
    for (auto& [number, active] : active_) {
      if (now >= active.transfer->due()) active.transfer->restart(now);
    }
  }

  // A frame of each transfer in turn, until none has one or the socket is full.
  void send_what_may() {
    if (!dealer_ || !dealer_->connected() || (unsent_ && !try_send())) return;
    const std::size_t window =
        std::max<std::size_t>(1, kWindow / std::max<std::size_t>(1, active_.size()));
    for (bool sent = true; sent;) {
      sent = false;
      for (auto& [number, active] : active_) {
        unsent_ = active.transfer->next(window);
        if (!unsent_) continue;
        sent = true;
        if (!try_send()) return;
      }
    }
  }

  bool try_send() {
    if (send(dealer_->socket(), {}, *unsent_) != Sent::ok) return false;
    unsent_.reset();
    return true;
  }

  void report_ended() {
    for (auto at = active_.begin(); at != active_.end();) {
      if (!at->second.transfer->outcome()) {
        ++at;
        continue;
      }
      const Active ended = std::move(at->second);
      at = active_.erase(at);
      ended.done(*ended.transfer->outcome());
    }
  }

  template <class Predicate>
  void end_if(Predicate wanted) {
    for (auto at = active_.begin(); at != active_.end();) {
      if (!wanted(at->second)) {
        ++at;
        continue;
      }
      const Active ended = std::move(at->second);
      at = active_.erase(at);
      ended.done(
          fail(Code::cancelled, "the transfer was cancelled: " + ended.transfer->digest().hex()));
    }
  }

  zmq::context_t& context_;
  Server server_;
  std::chrono::milliseconds idle_;
  std::shared_ptr<Inbox> inbox_;
  std::optional<Dealer> dealer_;    // while it is needed
  Clock::time_point needed_{};      // when there was a transfer last
  Clock::time_point connect_at_{};  // not before
  std::map<std::uint64_t, Active> active_;
  std::uint64_t next_number_ = 1;
  std::optional<zmq::message_t> unsent_;  // taken from a transfer, and the socket was full
  std::thread thread_;
};

BulkClient::BulkClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BulkClient::~BulkClient() = default;

Result<std::unique_ptr<BulkClient>> BulkClient::start(zmq::context_t& context,
                                                      const std::string& endpoint,
                                                      const KeyPair& self,
                                                      const std::string& server_key,
                                                      std::chrono::milliseconds idle) {
  SKERRY_ASSIGN(auto inbox, Inbox::create());
  auto impl = std::make_unique<Impl>(context, Impl::Server{endpoint, self, server_key}, idle,
                                     std::move(inbox));
  return std::unique_ptr<BulkClient>(new BulkClient(std::move(impl)));
}

void BulkClient::get(const Digest& digest, std::filesystem::path partial_file, Done done) {
  impl_->get(digest, std::move(partial_file), std::move(done));
}
void BulkClient::put(const Digest& digest, std::filesystem::path file, std::uint64_t size,
                     Done done) {
  impl_->put(digest, {std::move(file), {}, size}, std::move(done));
}
void BulkClient::put_bytes(const Digest& digest, std::string data, Done done) {
  const auto size = data.size();
  impl_->put(digest, {{}, std::move(data), size}, std::move(done));
}
void BulkClient::cancel_get(const Digest& digest) {
  impl_->cancel<GetTransfer>(digest);
}
void BulkClient::cancel_put(const Digest& digest) {
  impl_->cancel<PutTransfer>(digest);
}

}  // namespace skerry::wire
