#include "core/gateway/http_session.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>

#include "core/gateway/http_parser.hpp"
#include "core/gateway/routes.hpp"

namespace skerry::gateway {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using Error = boost::system::error_code;

constexpr std::size_t kReadAhead = 64 * 1024;    // besides a head
constexpr std::size_t kMostDrained = 32u << 20;  // of what a client goes on to send
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// Bytes counted in the host's `in_hand` for as long as it lives.
class Held {
 public:
  explicit Held(SessionHost& host) : host_(host) {}
  ~Held() { set(0); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  bool set(std::size_t bytes) {
    if (bytes > bytes_ && host_.in_hand + (bytes - bytes_) > host_.options.max_in_hand)
      return false;
    host_.in_hand = host_.in_hand - bytes_ + bytes;
    bytes_ = bytes;
    return true;
  }

 private:
  SessionHost& host_;
  std::size_t bytes_ = 0;
};

// One operation at a time: it waits for a request, reads it, has it answered, writes the answer;
// or says farewell. Each of these is under a time limit but the third, which is the asker's.
class Session : public HttpSession, public std::enable_shared_from_this<Session> {
 public:
  Session(boost::asio::ip::tcp::socket socket, SessionHost& host)
      : host_(host),
        options_(host.options),
        stream_(std::move(socket)),
        buffer_(options_.max_head + kReadAhead),
        held_(host) {}

  void begin() override {
    Error ignored;
    stream_.socket().set_option(boost::asio::ip::tcp::no_delay(true), ignored);
    await_request();
  }

  void turn_away() override {
    keep_alive_ = false;
    answer(error_answer({"overloaded",
                         "there are " + std::to_string(options_.max_connections) +
                             " connections, and no more are taken; close some that are idle",
                         {}}));
  }

 private:
  template <class Step>
  auto then(Step step) {
    return [self = shared_from_this(), step](const Error& error, std::size_t count) {
      ((*self).*step)(error, count);
    };
  }

  // Of the next one a part may be here already.
  void await_request() {
    parser_.emplace();
    head_only_ = false;
    limit_head(*parser_, options_.max_head);
    if (buffer_.size() > 0) return read_head();
    stream_.expires_after(options_.idle);
    stream_.async_read_some(buffer_.prepare(4096), then(&Session::on_first_bytes));
  }

  void on_first_bytes(const Error& error, std::size_t count) {
    if (error) return end();
    buffer_.commit(count);
    read_head();
  }

  void read_head() {
    stream_.expires_after(options_.transfer);
    http::async_read_header(stream_, buffer_, *parser_, then(&Session::on_head));
  }

  void on_head(const Error& error, std::size_t) {
    if (error) return on_unreadable(error);
    request_ = head_of(*parser_);
    head_only_ = request_.method == "HEAD";
    keep_alive_ = parser_->keep_alive();
    auto refused = refuse_head(request_, options_.rules);
    const auto length = check_length(*parser_, options_.max_body);
    if (!length) keep_alive_ = false;
    if (!refused && !length) refused = error_answer(length.error());
    if (refused) return answer(std::move(*refused));
    if (parser_->is_done()) return ask();
    if (!held_.set(parser_->content_length().value_or(0))) return refuse_load();
    if (!request_.http_1_0 && expects_continue()) return write_continue();
    read_body();
  }

  bool expects_continue() const {
    const auto* const expected = find_field(request_.headers, "Expect");
    return expected != nullptr && same_name(*expected, "100-continue");
  }

  void write_continue() {
    boost::asio::async_write(stream_, boost::asio::buffer(kContinue.data(), kContinue.size()),
                             then(&Session::on_continue_written));
  }

  void on_continue_written(const Error& error, std::size_t) {
    if (error) return end();
    read_body();
  }

  // The parser is not eager: it would keep what a chunk brought to itself until the next one came.
  void read_body() { http::async_read_some(stream_, buffer_, *parser_, then(&Session::on_body)); }

  void on_body(const Error& error, std::size_t) {
    if (error) return on_unreadable(error);
    const std::size_t size = parser_->get().body().size();
    if (!held_.set(std::max<std::size_t>(size, parser_->content_length().value_or(0))))
      return refuse_load();
    if (parser_->is_done()) return ask();
    read_body();
  }

  void on_unreadable(const Error& error) {
    const auto refusal = refusal_of(error, options_.max_head, options_.max_body);
    if (!refusal) return end();
    keep_alive_ = false;
    answer(error_answer(*refusal));
  }

  void refuse_load() {
    answer(error_answer({"overloaded",
                         "bodies of more than " + std::to_string(options_.max_in_hand) +
                             " bytes are in hand at this edge; try again later",
                         {}}));
  }

  void ask() {
    request_.body = std::move(parser_->get().body());
    stream_.expires_never();
    const std::size_t turn = ++turn_;
    awaits_ = true;
    respond(std::move(request_), options_.rules, host_.asker,
            [weak = weak_from_this(), turn](HttpAnswer answer) {
              if (const auto self = weak.lock()) self->on_answer(turn, std::move(answer));
            });
  }

  // An asker that answers twice must not answer the next question.
  void on_answer(std::size_t turn, HttpAnswer answered) {
    if (!awaits_ || turn != turn_) return;
    awaits_ = false;
    answer(std::move(answered));
  }

  void answer(HttpAnswer answer) {
    // A body that has not been read would pass for the next request.
    if (parser_ && !parser_->is_done()) keep_alive_ = false;
    held_.set(0);
    out_ = render(answer, !head_only_, keep_alive_);
    stream_.expires_after(options_.transfer);
    boost::asio::async_write(stream_, boost::asio::buffer(out_), then(&Session::on_written));
  }

  void on_written(const Error& error, std::size_t) {
    out_ = {};
    if (error) return end();
    if (keep_alive_) return await_request();
    say_farewell();
  }

  // Closed while unread bytes are there, TCP would take back what the client has not read yet.
  void say_farewell() {
    Error error;
    stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, error);
    if (error) return end();
    stream_.expires_after(options_.farewell);
    drain();
  }

  void drain() { stream_.async_read_some(boost::asio::buffer(rest_), then(&Session::on_drained)); }

  void on_drained(const Error& error, std::size_t count) {
    drained_ += count;
    if (error || drained_ > kMostDrained) return end();
    drain();
  }

  void end() {
    stream_.close();
    host_.ended(*this);
  }

  SessionHost& host_;
  const HttpGateway::Options& options_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;  // what has come and is not read
  std::optional<Parser> parser_;
  HttpRequest request_;
  Held held_;
  bool head_only_ = false;
  bool keep_alive_ = false;
  bool awaits_ = false;
  std::size_t turn_ = 0;
  std::string out_;
  std::array<char, 4096> rest_;
  std::size_t drained_ = 0;
};

}  // namespace

std::shared_ptr<HttpSession> HttpSession::create(boost::asio::ip::tcp::socket socket,
                                                 SessionHost& host) {
  return std::make_shared<Session>(std::move(socket), host);
}

}  // namespace skerry::gateway
