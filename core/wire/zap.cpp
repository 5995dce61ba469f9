#include "core/wire/zap.hpp"

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "core/base/try.hpp"
#include "core/wire/inbox.hpp"
#include "core/wire/refusal_log.hpp"
#include "core/wire/sockets.hpp"

namespace skerry::wire {
namespace {

constexpr const char* kEndpoint = "inproc://zeromq.zap.01";
constexpr long kTickMs = 5000;

// https://rfc.zeromq.org/spec/27: version, request id, domain, address, routing id, mechanism,
// public key.
struct Request {
  std::vector<std::string> frames;

  bool is_curve() const {
    return frames.size() == 7 && frames[0] == "1.0" && frames[2] == kZapDomain &&
           frames[5] == "CURVE" && frames[6].size() == 32;
  }
  std::string id() const { return frames.size() > 1 ? frames[1] : ""; }
  std::string address() const { return frames.size() > 3 ? frames[3] : ""; }
  std::string public_key() const {
    if (!is_curve()) return {};
    std::string text(41, '\0');
    zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(frames[6].data()), 32);
    text.pop_back();
    return text;
  }
};

bool read_request(zmq::socket_t& socket, Request& request) {
  request.frames.clear();
  zmq::message_t frame;
  do {
    if (zmq_msg_recv(frame.handle(), socket.handle(), ZMQ_DONTWAIT) < 0) return false;
    request.frames.push_back(frame.to_string());
  } while (frame.more());
  return true;
}

void write_reply(zmq::socket_t& socket, const std::vector<std::string>& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const int more = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
    zmq_send(socket.handle(), frames[i].data(), frames[i].size(), more);
  }
}

}  // namespace

class ZapHandler::Impl {
 public:
  Impl(zmq::socket_t socket, std::shared_ptr<Inbox> inbox, OnRefused on_refused)
      : socket_(std::move(socket)), inbox_(std::move(inbox)), on_refused_(std::move(on_refused)) {
    thread_ = std::thread([this] { run(); });
  }

  ~Impl() {
    inbox_->stop();
    thread_.join();
  }

  void set_keys(std::map<std::string, std::string> keys) {
    std::lock_guard lock(mutex_);
    keys_ = std::move(keys);
  }

  std::uint64_t refused() const { return refused_; }
  void tell(bool refusals) { tell_ = refusals; }

 private:
  void run() {
    zmq_pollitem_t items[] = {{socket_.handle(), 0, ZMQ_POLLIN, 0},
                              {nullptr, inbox_->fd(), ZMQ_POLLIN, 0}};
    while (!inbox_->stopped()) {
      if (zmq_poll(items, 2, kTickMs) < 0 && zmq_errno() == ETERM) break;
      Request request;
      while (read_request(socket_, request)) answer(request);
      for (const auto& refusal : log_.due(RefusalLog::Clock::now())) report(refusal);
    }
    socket_.close();
  }

  void answer(const Request& request) {
    const std::string key = request.public_key();
    const auto user = key.empty() ? std::nullopt : user_of(key);
    if (user) {
      write_reply(socket_, {"1.0", request.id(), "200", "OK", *user, ""});
      return;
    }
    write_reply(socket_, {"1.0", request.id(), "400", "this key is not known here", "", ""});
    if (!tell_) return;
    ++refused_;
    if (auto refusal = log_.note(request.address(), key, RefusalLog::Clock::now())) {
      report(*refusal);
    }
  }

  std::optional<std::string> user_of(const std::string& key) {
    std::lock_guard lock(mutex_);
    const auto at = keys_.find(key);
    if (at == keys_.end()) return std::nullopt;
    return at->second;
  }

  void report(const Refusal& refusal) {
    if (on_refused_) on_refused_(refusal);
  }

  zmq::socket_t socket_;
  std::shared_ptr<Inbox> inbox_;
  OnRefused on_refused_;
  RefusalLog log_;  // the thread's own
  std::mutex mutex_;
  std::map<std::string, std::string> keys_;
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<bool> tell_{true};
  std::thread thread_;
};

ZapHandler::ZapHandler(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ZapHandler::~ZapHandler() = default;

Result<std::unique_ptr<ZapHandler>> ZapHandler::start(zmq::context_t& context,
                                                      OnRefused on_refused) try {
  SKERRY_ASSIGN(auto inbox, Inbox::create());
  zmq::socket_t socket(context, zmq::socket_type::rep);
  socket.set(zmq::sockopt::linger, 0);
  socket.bind(kEndpoint);
  auto impl = std::make_unique<Impl>(std::move(socket), std::move(inbox), std::move(on_refused));
  return std::unique_ptr<ZapHandler>(new ZapHandler(std::move(impl)));
} catch (const zmq::error_t& error) {
  return fail(zmq_problem(error, "start the key check at", kEndpoint));
}

void ZapHandler::set_keys(std::map<std::string, std::string> keys) {
  impl_->set_keys(std::move(keys));
}

void ZapHandler::tell(bool refusals) {
  impl_->tell(refusals);
}

std::uint64_t ZapHandler::refused() const {
  return impl_->refused();
}

}  // namespace skerry::wire
