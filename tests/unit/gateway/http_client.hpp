// A plain HTTP client, which sends what it is told, right or wrong.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <string>
#include <string_view>

#include "core/base/json.hpp"
#include "core/gateway/http_message.hpp"

namespace skerry::gateway {

struct Received {
  int status = 0;  // 0: the connection ended before
  Fields headers;
  std::string body;

  std::string header(std::string_view name) const {
    const auto* const value = find_field(headers, name);
    return value == nullptr ? "" : *value;
  }
  std::string code() const {
    const auto json = parse_json(body);
    return json && json->contains("error") ? (*json)["error"]["code"].get<std::string>() : "";
  }
};

class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port) {
    socket_.connect({boost::asio::ip::address_v4::loopback(), port});
  }

  // False where the other side has ended the connection.
  bool send(std::string_view bytes) {
    boost::system::error_code error;
    boost::asio::write(socket_, boost::asio::buffer(bytes.data(), bytes.size()), error);
    return !error;
  }

  Received read(bool with_body = true) {
    while (buffer_.find("\r\n\r\n") == buffer_.npos)
      if (!read_some()) return {};
    Received received = take_head();
    const std::size_t size =
        with_body && received.status != 100 ? std::stoul(received.header("Content-Length")) : 0;
    while (buffer_.size() < size)
      if (!read_some()) return {};
    received.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return received;
  }

  Received ask(std::string_view request, bool with_body = true) {
    send(request);
    return read(with_body);
  }

  // The other side ends the connection, and sends nothing more before.
  bool is_ended() { return buffer_.empty() && !read_some(); }

  void hang_up() { socket_.close(); }

 private:
  static constexpr int kDeadlineMs = 30'000;

  bool read_some() {
    pollfd ready{socket_.native_handle(), POLLIN, 0};
    if (::poll(&ready, 1, kDeadlineMs) != 1) {
      ADD_FAILURE() << "nothing came";
      return false;
    }
    std::array<char, 4096> bytes;
    boost::system::error_code error;
    buffer_.append(bytes.data(), socket_.read_some(boost::asio::buffer(bytes), error));
    return !error;
  }

  Received take_head() {
    Received received;
    const auto end = buffer_.find("\r\n\r\n");
    std::string_view lines = std::string_view(buffer_).substr(0, end + 2);
    EXPECT_TRUE(lines.starts_with("HTTP/1.1 "));
    received.status = std::stoi(buffer_.substr(9, 3));
    lines.remove_prefix(lines.find("\r\n") + 2);
    while (!lines.empty()) {
      const auto line = lines.substr(0, lines.find("\r\n"));
      const auto colon = std::min(line.find(": "), line.size());
      received.headers.emplace_back(line.substr(0, colon),
                                    line.substr(std::min(colon + 2, line.size())));
      lines.remove_prefix(line.size() + 2);
    }
    buffer_.erase(0, end + 4);
    return received;
  }

  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_{io_};
  std::string buffer_;
};

}  // namespace skerry::gateway
