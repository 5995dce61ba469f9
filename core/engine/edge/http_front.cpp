#include "core/engine/edge/http_front.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cctype>
#include <charconv>
#include <future>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/base/file.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/client/client.hpp"

namespace skerry::engine::edge {
namespace {

// On the gateway's thread.
class RelayAsker : public gateway::Asker {
 public:
  RelayAsker(std::string requests, const serving::EdgeRelay& relay)
      : requests_(std::move(requests)), relay_(relay) {}

  void begin(boost::asio::io_context& io) {
    io_ = &io;
    timer_.emplace(io);
    connect();
  }
  void end() {
    news_.reset();
    timer_.reset();
  }

  void ask(const wire::PredictRequest& request, std::string data, Done done) override {
    if (!client_ && !connect()) return refuse(std::move(done));
    waiting_[client_->ask(request, as_bytes(data))] = std::move(done);
    take();
  }

  Json services() const override {
    Json list = Json::array();
    for (const serving::Service& each : relay_.services())
      list.push_back({{"name", each.name}, {"version", each.version}, {"ready", each.version > 0}});
    return list;
  }

 private:
  bool connect() {
    auto client = client::Client::connect(requests_);
    if (!client) {
      log_error("HTTP requests cannot be passed on: " + client.error().text());
      return false;
    }
    client_.emplace(std::move(*client));
    news_.emplace(*io_, ::dup(client_->descriptor()));
    watch();
    return true;
  }

  void refuse(Done done) {
    boost::asio::post(*io_, [done = std::move(done)] {
      wire::PredictReply reply;
      reply.code = "service.unavailable";
      reply.message = "this host does not answer its own questions; see its log";
      done(std::move(reply), {});
    });
  }

  // Waits again before it takes: the descriptor tells of news once.
  void watch() {
    news_->async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [this](const boost::system::error_code& error) {
                        if (error) return;
                        watch();
                        take();
                      });
  }

  void take() {
    while (auto answer = client_->next(client::Client::Clock::now())) {
      auto done = waiting_.extract(answer->id);
      if (done.empty()) continue;
      boost::asio::post(*io_, [done = std::move(done.mapped()), reply = std::move(answer->reply),
                               outputs = std::move(answer->outputs)]() mutable {
        done(std::move(reply), std::move(outputs));
      });
    }
    const auto due = client_->due();
    if (!due) return;
    timer_->expires_at(*due);
    timer_->async_wait([this](const boost::system::error_code& error) {
      if (!error) take();
    });
  }

  const std::string requests_;
  const serving::EdgeRelay& relay_;
  boost::asio::io_context* io_ = nullptr;
  std::optional<client::Client> client_;
  std::optional<boost::asio::posix::stream_descriptor> news_;
  std::optional<boost::asio::steady_timer> timer_;
  std::unordered_map<std::uint64_t, Done> waiting_;
};

Result<gateway::HttpGateway::Options> options_of(const HttpOptions& from) {
  gateway::HttpGateway::Options options;
  const auto colon = from.listen.rfind(':');
  const std::string port = colon == std::string::npos ? "" : from.listen.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size())
    return fail(Code::invalid_argument,
                fmt::format("found \"{}\" as the address for HTTP; it must be ADDRESS:PORT, as "
                            "127.0.0.1:8080 or, for any free port, 127.0.0.1:0",
                            from.listen));
  options.address = from.listen.substr(0, colon);
  options.rules.allowed_hosts = from.hosts;
  options.rules.allowed_origins = from.origins;
  if (!from.token_file.empty()) {
    SKERRY_ASSIGN(options.rules.token, read_file(from.token_file));
    while (!options.rules.token.empty() &&
           std::isspace(static_cast<unsigned char>(options.rules.token.back())))
      options.rules.token.pop_back();
    if (options.rules.token.empty())
      return fail(Code::invalid_argument, "holds no token: put one line of text into it",
                  from.token_file);
  }
  return options;
}

}  // namespace

class HttpFront::Impl {
 public:
  Impl(const std::string& requests, const serving::EdgeRelay& relay) : asker_(requests, relay) {}
  // What waits on the gateway's loop goes before the loop does, on its thread.
  ~Impl() {
    if (!gateway_) return;
    std::promise<void> ended;
    boost::asio::post(gateway_->io(), [&] {
      asker_.end();
      ended.set_value();
    });
    ended.get_future().wait();
    gateway_.reset();
  }

  Status start(gateway::HttpGateway::Options options) {
    options.on_thread = [this](boost::asio::io_context& io) { asker_.begin(io); };
    address_ = options.address;
    SKERRY_ASSIGN(gateway_, gateway::HttpGateway::start(std::move(options), asker_));
    address_ += ":" + std::to_string(gateway_->port());
    return {};
  }
  const std::string& address() const { return address_; }

 private:
  RelayAsker asker_;
  std::unique_ptr<gateway::HttpGateway> gateway_;
  std::string address_;
};

Result<std::unique_ptr<HttpFront>> HttpFront::start(const HttpOptions& options,
                                                    const std::string& requests,
                                                    const serving::EdgeRelay& relay) {
  SKERRY_ASSIGN(auto wanted, options_of(options));
  auto impl = std::make_unique<Impl>(requests, relay);
  SKERRY_TRY(impl->start(std::move(wanted)));
  return std::unique_ptr<HttpFront>(new HttpFront(std::move(impl)));
}

HttpFront::HttpFront(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpFront::~HttpFront() = default;
const std::string& HttpFront::address() const {
  return impl_->address();
}

}  // namespace skerry::engine::edge
