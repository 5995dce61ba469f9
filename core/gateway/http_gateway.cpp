#include "core/gateway/http_gateway.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>
#include <unordered_map>
#include <utility>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/gateway/http_session.hpp"

namespace skerry::gateway {
namespace {

using boost::asio::ip::tcp;
using Error = boost::system::error_code;

// Sessions beside max_connections that are told that there are too many; others are just closed.
constexpr std::size_t kMostTurnedAway = 32;
constexpr std::chrono::milliseconds kAcceptAgain{100};

Result<tcp::endpoint> endpoint_of(const HttpGateway::Options& options) {
  Error error;
  const auto address = boost::asio::ip::make_address(options.address, error);
  if (error) {
    return fail(Code::invalid_argument,
                fmt::format("found the address {}; allowed are IP addresses, as 127.0.0.1",
                            in_quotes(options.address)),
                {}, "address");
  }
  if (options.rules.token.empty() && !address.is_loopback()) {
    return fail(Code::invalid_argument,
                fmt::format("at {} others could ask without a token; set a token, or listen at "
                            "127.0.0.1",
                            options.address),
                {}, "address");
  }
  return tcp::endpoint(address, options.port);
}

Status check_token(const std::string& token) {
  const auto is_odd = [](char c) { return c <= ' ' || c > '~'; };
  if (std::ranges::none_of(token, is_odd)) return {};
  return fail(Code::invalid_argument,
              "found a token with a space, an end of a line or another character that no header "
              "can carry; allowed are printable ASCII characters",
              {}, "token");
}

Status listen(tcp::acceptor& acceptor, const tcp::endpoint& at) {
  Error error;
  acceptor.open(at.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(at, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (!error) return {};
  return fail(Code::failed_precondition,
              fmt::format("cannot listen at {} port {}: {}; choose another port, or 0 for any that "
                          "is free",
                          at.address().to_string(), at.port(), error.message()));
}

}  // namespace

class HttpGateway::Impl : public SessionHost {
 public:
  Impl(Options with, Asker& asks) : SessionHost(std::move(with), asks) {}
  ~Impl() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Status start(const tcp::endpoint& at) {
    SKERRY_TRY(listen(acceptor_, at));
    Error error;
    port_ = acceptor_.local_endpoint(error).port();
    boost::asio::post(io_, [this] {
      if (options.on_thread) options.on_thread(io_);
      accept();
    });
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }

  std::uint16_t port() const { return port_; }
  boost::asio::io_context& io() { return io_; }

  void ended(HttpSession& session) override {
    sessions_.erase(&session);
    turned_away_.erase(&session);
  }

 private:
  using Sessions = std::unordered_map<HttpSession*, std::shared_ptr<HttpSession>>;

  void accept() {
    acceptor_.async_accept(io_, [this](const Error& error, tcp::socket socket) {
      if (error) return accept_later(error);
      failing_ = false;
      take(std::move(socket));
      accept();
    });
  }

  // There are no file descriptors left, mostly: some will be, once connections end.
  void accept_later(const Error& error) {
    if (error == boost::asio::error::operation_aborted) return;
    if (!std::exchange(failing_, true))
      log_warn(fmt::format("cannot take an HTTP connection: {}", error.message()));
    pause_.expires_after(kAcceptAgain);
    pause_.async_wait([this](const Error& cancelled) {
      if (!cancelled) accept();
    });
  }

  void take(tcp::socket socket) {
    const bool full = sessions_.size() >= options.max_connections;
    if (full && turned_away_.size() >= kMostTurnedAway) return;
    auto session = HttpSession::create(std::move(socket), *this);
    (full ? turned_away_ : sessions_).emplace(session.get(), session);
    if (full)
      session->turn_away();
    else
      session->begin();
  }

  // The sessions end before their loop does.
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
      io_.get_executor()};
  tcp::acceptor acceptor_{io_};
  boost::asio::steady_timer pause_{io_};
  Sessions sessions_, turned_away_;
  bool failing_ = false;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

HttpGateway::HttpGateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpGateway::~HttpGateway() = default;

Result<std::unique_ptr<HttpGateway>> HttpGateway::start(Options options, Asker& asker) {
  SKERRY_TRY(check_token(options.rules.token));
  SKERRY_ASSIGN(const auto at, endpoint_of(options));
  auto impl = std::make_unique<Impl>(std::move(options), asker);
  SKERRY_TRY(impl->start(at));
  return std::unique_ptr<HttpGateway>(new HttpGateway(std::move(impl)));
}

std::uint16_t HttpGateway::port() const {
  return impl_->port();
}

boost::asio::io_context& HttpGateway::io() {
  return impl_->io();
}

}  // namespace skerry::gateway
