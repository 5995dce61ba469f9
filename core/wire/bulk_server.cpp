#include "core/wire/bulk_server.hpp"

#include <charconv>
#include <thread>

#include "core/base/try.hpp"
#include "core/wire/bulk_downloads.hpp"
#include "core/wire/bulk_outlet.hpp"
#include "core/wire/bulk_uploads.hpp"
#include "core/wire/chunk.hpp"
#include "core/wire/doorman.hpp"
#include "core/wire/envelope.hpp"
#include "core/wire/give_way.hpp"
#include "core/wire/inbox.hpp"
#include "core/wire/sockets.hpp"

namespace skerry::wire {
namespace {

constexpr long kTickMs = 5000;
constexpr long kLookMs = 50;  // while there are connections
constexpr std::size_t kInKernel = 8u << 20;
// Frames taken before callbacks have their turn.
constexpr int kTurn = 64;
// Chunks queued a peer: what a peer that never reads, or floods, can make the host hold.
constexpr int kQueue = 32;

int port_of(const std::string& endpoint) {
  int port = 0;
  const auto colon = endpoint.rfind(':');
  std::from_chars(endpoint.data() + colon + 1, endpoint.data() + endpoint.size(), port);
  return port;
}

}  // namespace

class BulkServer::Impl {
 public:
  Impl(zmq::socket_t socket, Doorman doorman, std::shared_ptr<Inbox> inbox, BulkBackend& backend)
      : socket_(std::move(socket)),
        doorman_(std::move(doorman)),
        endpoint_(bound_endpoint(socket_)),
        inbox_(std::move(inbox)),
        outlet_(socket_, tally_),
        downloads_(backend, inbox_, outlet_),
        uploads_(backend, inbox_, outlet_) {
    thread_ = std::thread([this] { run(); });
  }

  ~Impl() {
    inbox_->stop();
    thread_.join();
    inbox_->close();
  }

  const std::string& endpoint() const { return endpoint_; }
  void turn_out(const std::string& user) {
    inbox_->post([this, user] {
      doorman_->turn_out(user, Downloads::Clock::now());
      downloads_.forget(user);
      uploads_.forget(user);
    });
  }
  BulkCounters counters() const {
    return {tally_.bytes_sent, tally_.bytes_received, tally_.uploads_completed,
            tally_.refused,    tally_.malformed,      tally_.dropped,
            tally_.cut};
  }

 private:
  void run() {
    give_way();
    zmq_pollitem_t items[] = {{socket_.handle(), 0, ZMQ_POLLIN, 0},
                              {doorman_->events().handle(), 0, ZMQ_POLLIN, 0},
                              {nullptr, inbox_->fd(), ZMQ_POLLIN, 0}};
    while (!inbox_->stopped()) {
      if (zmq_poll(items, 3, doorman_->due() ? kLookMs : kTickMs) < 0 && zmq_errno() == ETERM)
        break;
      doorman_->look(Downloads::Clock::now());
      tally_.cut += doorman_->take_cuts();
      for (const auto& work : inbox_->take()) work();
      receive_some();
      const auto now = Downloads::Clock::now();
      downloads_.tidy(now);
      uploads_.tidy(now);
    }
    doorman_.reset();
    socket_.close();
  }

  void receive_some() {
    for (int i = 0; i < kTurn; ++i) {
      Arrived arrived;
      const Receipt receipt = receive(socket_, true, arrived);
      if (receipt == Receipt::nothing) return;
      const bool good = receipt == Receipt::message && !arrived.user.empty() &&
                        doorman_->admit(arrived) && handle(arrived);
      if (!good) ++tally_.malformed;
    }
  }

  bool handle(const Arrived& arrived) {
    const auto view = check_frame(arrived.body.to_string_view(), kBulkLimit);
    if (!view) return false;
    const ReplyTo to{arrived.peer, view->header.seq};
    switch (view->header.type) {
      case Type::blob_get: {
        const auto request = decode<BlobGet>(view->payload);
        if (request) downloads_.get(to, arrived.user, *request);
        return request.has_value();
      }
      case Type::blob_put: {
        const auto request = decode<BlobPut>(view->payload);
        if (request) uploads_.put(to, arrived.user, *request);
        return request.has_value();
      }
      case Type::blob_put_chunk: {
        const auto chunk = parse_chunk(view->payload);
        if (chunk) uploads_.chunk(to, arrived.user, *chunk);
        return chunk.has_value();
      }
      default:
        return false;
    }
  }

  BulkTally tally_;
  zmq::socket_t socket_;
  std::optional<Doorman> doorman_;  // ends before the socket does
  std::string endpoint_;
  std::shared_ptr<Inbox> inbox_;
  BulkOutlet outlet_;
  Downloads downloads_;
  Uploads uploads_;
  std::thread thread_;
};

BulkServer::BulkServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BulkServer::~BulkServer() = default;

Result<std::unique_ptr<BulkServer>> BulkServer::start(
    zmq::context_t& context, const std::string& endpoint, const KeyPair& self, BulkBackend& backend,
    std::function<void(const Refusal&)> on_refused) {
  SKERRY_ASSIGN(auto inbox, Inbox::create());
  SKERRY_ASSIGN(auto socket,
                make_router(context, endpoint, &self, {kBulkLimit, kQueue, kQueue, true}));
  SKERRY_ASSIGN(auto doorman, Doorman::open(context, socket, kQueue * kBulkLimit + kInKernel,
                                            std::move(on_refused)));
  auto impl =
      std::make_unique<Impl>(std::move(socket), std::move(doorman), std::move(inbox), backend);
  return std::unique_ptr<BulkServer>(new BulkServer(std::move(impl)));
}

int BulkServer::port() const {
  return port_of(impl_->endpoint());
}
const std::string& BulkServer::endpoint() const {
  return impl_->endpoint();
}
void BulkServer::turn_out(const std::string& user) {
  impl_->turn_out(user);
}
BulkCounters BulkServer::counters() const {
  return impl_->counters();
}

}  // namespace skerry::wire
