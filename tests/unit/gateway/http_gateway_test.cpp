// The gateway over real sockets.
#include "core/gateway/http_gateway.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <future>
#include <thread>

#include "tests/unit/gateway/fake_asker.hpp"
#include "tests/unit/gateway/http_client.hpp"

namespace skerry::gateway {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kHealth = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::string post(std::string_view headers, std::string_view body,
                 std::string_view path = "/v1/services/digits/predict") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: {}\r\n\r\n{}", path,
                     headers, body.size(), body);
}

std::string post_json(std::string_view body) {
  return post("Content-Type: application/json\r\n", body);
}

std::string chunk(std::string_view bytes) {
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

constexpr std::string_view kChunked =
    "POST /v1/services/digits/predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
    "chunked\r\nContent-Type: application/octet-stream\r\nSkerry-Shape: 6\r\n\r\n";

class HttpGatewayTest : public testing::Test {
 protected:
  // Answers that wait to be given.
  void hold(std::function<void()> answer) {
    const std::lock_guard lock(mutex_);
    held_.push_back(std::move(answer));
    changed_.notify_all();
  }
  std::vector<std::function<void()>> take_held(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 30s, [&] { return held_.size() >= count; }));
    return std::exchange(held_, {});
  }

  void start(HttpGateway::Options options = {}) {
    auto started = HttpGateway::start(std::move(options), asker);
    ASSERT_TRUE(started) << started.error().text();
    gateway = std::move(*started);
  }
  void answer_on_the_thread() {
    asker.later = [this](std::function<void()> answer) {
      boost::asio::post(gateway->io(), std::move(answer));
    };
  }
  void hold_answers() {
    asker.later = [this](std::function<void()> answer) { hold(std::move(answer)); };
  }
  // What was posted to the gateway's thread before has been done.
  void settle() {
    std::promise<void> done;
    boost::asio::post(gateway->io(), [&done] { done.set_value(); });
    done.get_future().wait();
  }
  HttpClient client() { return HttpClient(gateway->port()); }

  FakeAsker asker;
  std::unique_ptr<HttpGateway> gateway;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> held_;
};

TEST_F(HttpGatewayTest, AnswersJson) {
  start();
  answer_on_the_thread();
  auto peer = client();
  const auto answer = peer.ask(post_json(R"({"tensor": [[1, 2], [3, 4]], "label": 3})"));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.header("Content-Type"), "application/json");
  EXPECT_EQ(answer.header("Server"), "skerry");
  const auto body = parse_json(answer.body).value();
  EXPECT_EQ(body["output"], (Json{0.25, 0.75}));
  EXPECT_EQ(body["service"], "digits");
  const auto asked = asker.asked().at(0);
  EXPECT_EQ(asked.request.shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(asked.request.label, 3);
}

TEST_F(HttpGatewayTest, AnswersBytesAndImages) {
  start();
  answer_on_the_thread();
  auto peer = client();
  const std::string bytes("\0\xff\r\n\r\n", 6);
  EXPECT_EQ(peer.ask(post("Content-Type: application/octet-stream\r\nSkerry-Shape: 2,3\r\n", bytes))
                .status,
            200);
  EXPECT_EQ(peer.ask(post("Content-Type: image/png\r\n", bytes)).status, 200);
  const auto asked = asker.asked();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].request.form, wire::Form::uint8);
  EXPECT_EQ(asked[0].data, bytes);
  EXPECT_EQ(asked[1].request.form, wire::Form::image);
  EXPECT_EQ(asked[1].data, bytes);
}

TEST_F(HttpGatewayTest, AnswersLargeBodies) {
  start();
  answer_on_the_thread();
  auto peer = client();
  const std::string bytes(wire::kMaxPredictData, 'x');
  const auto headers = fmt::format("Content-Type: application/octet-stream\r\nSkerry-Shape: {}\r\n",
                                   wire::kMaxPredictData);
  EXPECT_EQ(peer.ask(post(headers, bytes)).status, 200);
  EXPECT_EQ(asker.asked().at(0).data, bytes);
  asker.outputs.assign(1'000'000, 0.123456F);
  const auto answer = peer.ask(post_json(R"({"tensor": [1]})"));
  EXPECT_EQ(parse_json(answer.body).value()["output"].size(), 1'000'000u);
}

TEST_F(HttpGatewayTest, PassesOnEachCode) {
  start();
  answer_on_the_thread();
  auto peer = client();
  for (const Failure& failure : failures()) {
    asker.reply.code = failure.code;
    const auto answer = peer.ask(post_json(R"({"tensor": [1]})"));
    EXPECT_EQ(answer.status, failure.status);
    EXPECT_EQ(answer.code(), failure.code);
    EXPECT_EQ(answer.header("Connection"), "keep-alive");
    EXPECT_EQ(answer.header("Retry-After"), failure.status == 503 ? "1" : "");
  }
}

TEST_F(HttpGatewayTest, KeepsTheConnectionAfterWhatItRefuses) {
  start();
  answer_on_the_thread();
  auto peer = client();
  EXPECT_EQ(peer.ask(kHealth).status, 200);
  EXPECT_EQ(peer.ask(post_json("{")).code(), "request.malformed");
  EXPECT_EQ(peer.ask("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n").code(), "path.unknown");
  EXPECT_EQ(peer.ask("DELETE /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").header("Allow"),
            "GET, HEAD");
  EXPECT_EQ(peer.ask("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n").code(), "request.host");
  EXPECT_EQ(peer.ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nOrigin: http://x\r\n\r\n").code(),
            "request.origin");
  EXPECT_EQ(peer.ask(kHealth).status, 200);
}

TEST_F(HttpGatewayTest, AnswersHeadWithoutABody) {
  start();
  auto peer = client();
  const auto answer = peer.ask("HEAD /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n", false);
  EXPECT_EQ(answer.status, 200);
  EXPECT_GT(std::stoul(answer.header("Content-Length")), 1000u);
  // The next answer would follow a body, were there one.
  EXPECT_EQ(peer.ask(kHealth).body, R"({"status":"ok"})");
}

TEST_F(HttpGatewayTest, ClosesWhenItIsAskedTo) {
  start();
  auto peer = client();
  const auto answer =
      peer.ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_TRUE(peer.is_ended());
}

TEST_F(HttpGatewayTest, AnswersHttp10) {
  start();
  auto peer = client();
  EXPECT_EQ(peer.ask("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").status, 200);
  EXPECT_EQ(peer.ask("GET /healthz HTTP/1.0\r\n\r\n").header("Connection"), "close");
  EXPECT_TRUE(peer.is_ended());
}

TEST_F(HttpGatewayTest, AnswersRequestsOfOneWriteInTheirOrder) {
  start();
  hold_answers();
  auto peer = client();
  const std::string first = post_json(R"({"tensor": [1], "label": 1})");
  const std::string second = post_json(R"({"tensor": [1], "label": 2})");
  peer.send(first + second + std::string(kHealth));
  auto held = take_held(1);
  settle();
  EXPECT_EQ(asker.asked().size(), 1u) << "one at a time";
  asker.outputs = {1};
  boost::asio::post(gateway->io(), held.at(0));
  EXPECT_EQ(parse_json(peer.read().body).value()["output"], Json{1});
  held = take_held(1);
  asker.outputs = {2};
  boost::asio::post(gateway->io(), held.at(0));
  EXPECT_EQ(parse_json(peer.read().body).value()["output"], Json{2});
  EXPECT_EQ(peer.read().body, R"({"status":"ok"})");
  EXPECT_EQ(asker.asked().at(1).request.label, 2);
}

TEST_F(HttpGatewayTest, TakesARequestInPieces) {
  start();
  answer_on_the_thread();
  auto peer = client();
  const std::string request = post_json(R"({"tensor": [1]})");
  for (const char byte : request) {
    peer.send({&byte, 1});
    settle();
  }
  EXPECT_EQ(peer.read().status, 200);
}

TEST_F(HttpGatewayTest, TakesChunkedBodies) {
  start();
  answer_on_the_thread();
  auto peer = client();
  std::string request(kChunked);
  request += chunk("abc") + chunk("def") + "0\r\nSkerry-Label: 5\r\nHost: evil\r\n\r\n";
  EXPECT_EQ(peer.ask(request).status, 200);
  EXPECT_EQ(asker.asked().at(0).data, "abcdef");
  EXPECT_EQ(asker.asked().at(0).request.label, -1) << "a trailer says nothing";
  EXPECT_EQ(peer.ask(kHealth).status, 200);
}

TEST_F(HttpGatewayTest, TellsAClientToGoOn) {
  start();
  answer_on_the_thread();
  auto peer = client();
  const std::string request =
      post("Content-Type: application/json\r\nExpect: 100-continue\r\n", R"({"tensor": [1]})");
  const auto body = request.find("\r\n\r\n") + 4;
  EXPECT_EQ(peer.ask(request.substr(0, body)).status, 100);
  EXPECT_EQ(peer.ask(request.substr(body)).status, 200);
}

TEST_F(HttpGatewayTest, TellsAClientNotToGoOn) {
  start();
  for (const char* headers : {"Expect: 100-continue\r\nContent-Type: text/plain\r\n",
                              "Expect: 100-continue\r\nOrigin: http://evil.example\r\n"}) {
    auto peer = client();
    const auto request = post(headers, "body");
    EXPECT_GE(peer.ask(request.substr(0, request.size() - 4)).status, 400);
    EXPECT_TRUE(peer.is_ended());
  }
}

TEST_F(HttpGatewayTest, RefusesABodyThatIsTooLargeBeforeItComes) {
  start({.max_body = 1000});
  auto peer = client();
  const auto answer = peer.ask(
      "POST /v1/services/digits/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
      "image/png\r\nContent-Length: 18446744073709551615\r\n\r\n");
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.code(), "request.too_large");
  EXPECT_EQ(answer.header("Connection"), "close");
  EXPECT_TRUE(peer.is_ended());
}

TEST_F(HttpGatewayTest, TellsAClientThatSendsTooMuchAllTheSame) {
  start({.max_body = 1000});
  auto peer = client();
  EXPECT_EQ(peer.ask(post("Content-Type: image/png\r\n", std::string(4u << 20, 'x'))).status, 413);
  EXPECT_TRUE(peer.is_ended());
}

TEST_F(HttpGatewayTest, CountsChunksAgainstTheLimit) {
  start({.max_body = 5});
  auto peer = client();
  const auto answer = peer.ask(std::string(kChunked) + chunk("abc") + chunk("def"));
  EXPECT_EQ(answer.status, 413);
  EXPECT_TRUE(peer.is_ended());
  auto another = client();
  EXPECT_EQ(another.ask(std::string(kChunked) + "ffffffffffffffff\r\n").status, 413);
}

TEST_F(HttpGatewayTest, BoundsTheBodiesOfAllConnections) {
  start({.max_in_hand = 1000});
  hold_answers();
  auto one = client(), other = client(), third = client();
  const std::string request = post("Content-Type: image/png\r\n", std::string(600, 'x'));
  one.send(request);
  auto held = take_held(1);
  EXPECT_EQ(other.ask(request).code(), "overloaded");
  std::string chunked(kChunked);
  chunked += chunk(std::string(600, 'x'));
  EXPECT_EQ(third.ask(chunked).code(), "overloaded");
  boost::asio::post(gateway->io(), held.at(0));
  EXPECT_EQ(one.read().status, 200);
  one.send(request);
  boost::asio::post(gateway->io(), take_held(1).at(0));
  EXPECT_EQ(one.read().status, 200) << "what was refused or answered counts no more";
}

TEST_F(HttpGatewayTest, RefusesHeadsThatAreTooLarge) {
  start();
  for (const auto& request :
       {"GET /" + std::string(20'000, 'x'),
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'x')}) {
    auto peer = client();
    const auto answer = peer.ask(request);
    EXPECT_EQ(answer.status, 431);
    EXPECT_TRUE(peer.is_ended());
  }
  auto peer = client();
  EXPECT_EQ(peer.ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(15'000, 'x') +
                     "\r\n\r\n")
                .status,
            200);
}

TEST_F(HttpGatewayTest, RefusesWhatIsNotHttp) {
  start();
  for (const std::string request :
       {"\x16\x03\x01\x02\x00\x01\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost localhost\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: "
        "chunked\r\n\r\n"}) {
    auto peer = client();
    const auto answer = peer.ask(request);
    EXPECT_EQ(answer.status, 400) << request;
    EXPECT_EQ(answer.code(), "request.malformed") << request;
    EXPECT_TRUE(peer.is_ended());
  }
}

TEST_F(HttpGatewayTest, RefusesCodingsUnderWhichARequestsEndIsUncertain) {
  start();
  for (const char* coding : {"gzip", "gzip, chunked", "identity", "chunked, identity"}) {
    auto peer = client();
    const auto answer = peer.ask(
        fmt::format("GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: {}\r\n\r\n{}",
                    coding, kHealth));
    EXPECT_EQ(answer.status, 400) << coding;
    EXPECT_TRUE(peer.is_ended()) << coding;
  }
}

TEST_F(HttpGatewayTest, ClosesAnIdleConnection) {
  start({.idle = 20ms});
  auto silent = client();
  EXPECT_TRUE(silent.is_ended());
  auto peer = client();
  EXPECT_EQ(peer.ask(kHealth).status, 200);
  EXPECT_TRUE(peer.is_ended());
}

TEST_F(HttpGatewayTest, ClosesAConnectionThatSendsSlowly) {
  start({.transfer = 50ms});
  auto head = client();
  head.send("GET /healthz HTTP/1.1\r\n");
  EXPECT_TRUE(head.is_ended());
  auto body = client();
  const auto request = post_json(R"({"tensor": [1]})");
  body.send(request.substr(0, request.size() - 1));
  EXPECT_TRUE(body.is_ended());
}

TEST_F(HttpGatewayTest, GivesASlowSenderNoTimeForEachByte) {
  start({.max_head = 256u << 20, .transfer = 50ms});
  auto peer = client();
  const auto begun = std::chrono::steady_clock::now();
  while (peer.send("G") && std::chrono::steady_clock::now() < begun + 30s) settle();
  EXPECT_LT(std::chrono::steady_clock::now(), begun + 30s);
}

TEST_F(HttpGatewayTest, ClosesAConnectionThatReadsSlowly) {
  start({.transfer = 100ms});
  answer_on_the_thread();
  asker.outputs.assign(3'000'000, 0.123456F);
  auto peer = client();
  peer.send(post_json(R"({"tensor": [1]})"));
  // The answer is more than the kernel keeps for it, and is cut.
  while (peer.send("x")) settle();
  EXPECT_EQ(peer.read().status, 0);
}

TEST_F(HttpGatewayTest, LeavesTheTimeOfAnAnswerToTheAsker) {
  start({.idle = 20ms, .transfer = 20ms});
  boost::asio::steady_timer timer(gateway->io(), 80ms);
  asker.later = [&timer](std::function<void()> answer) {
    timer.async_wait([answer = std::move(answer)](const auto&) { answer(); });
  };
  auto peer = client();
  EXPECT_EQ(peer.ask(post_json(R"({"tensor": [1]})")).status, 200);
}

TEST_F(HttpGatewayTest, TurnsAwayOneConnectionTooMany) {
  start({.max_connections = 3});
  std::vector<std::unique_ptr<HttpClient>> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(std::make_unique<HttpClient>(gateway->port()));
    EXPECT_EQ(peers.back()->ask(kHealth).status, 200);
  }
  auto silent = client();
  EXPECT_EQ(silent.read().code(), "overloaded");
  EXPECT_TRUE(silent.is_ended());
  auto asking = client();
  const auto answer = asking.ask(kHealth);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.header("Retry-After"), "1");
  EXPECT_TRUE(asking.is_ended());
  peers.pop_back();
  int status = 0;
  for (int i = 0; i < 10'000 && status != 200; ++i) status = client().ask(kHealth).status;
  EXPECT_EQ(status, 200) << "there is room again";
  EXPECT_EQ(peers.front()->ask(kHealth).status, 200);
}

TEST_F(HttpGatewayTest, OutlivesAFloodOfConnections) {
  start({.max_connections = 2});
  std::vector<std::unique_ptr<HttpClient>> peers;
  for (int i = 0; i < 100; ++i) peers.push_back(std::make_unique<HttpClient>(gateway->port()));
  EXPECT_EQ(peers[0]->ask(kHealth).status, 200);
  peers.clear();
}

TEST_F(HttpGatewayTest, OutlivesAClientThatHangsUpWhileItsAnswerIsAwaited) {
  start();
  hold_answers();
  auto peer = client();
  peer.send(post_json(R"({"tensor": [1]})"));
  const auto held = take_held(1);
  peer.hang_up();
  boost::asio::post(gateway->io(), held.at(0));
  settle();
  answer_on_the_thread();
  EXPECT_EQ(client().ask(post_json(R"({"tensor": [1]})")).status, 200);
}

TEST_F(HttpGatewayTest, OutlivesAnAskerThatAnswersTwice) {
  start();
  hold_answers();
  auto peer = client();
  peer.send(post_json(R"({"tensor": [1]})") + post_json(R"({"tensor": [2]})"));
  const auto first = take_held(1);
  boost::asio::post(gateway->io(), first.at(0));
  boost::asio::post(gateway->io(), first.at(0));
  EXPECT_EQ(peer.read().status, 200);
  const auto second = take_held(1);
  asker.outputs = {9};
  boost::asio::post(gateway->io(), first.at(0));
  settle();
  asker.outputs = {2};
  boost::asio::post(gateway->io(), second.at(0));
  EXPECT_EQ(parse_json(peer.read().body).value()["output"], Json{2});
}

TEST_F(HttpGatewayTest, MayBeOutlivedByAnswers) {
  start();
  hold_answers();
  auto peer = client();
  peer.send(post_json(R"({"tensor": [1]})"));
  const auto held = take_held(1);
  gateway.reset();
  EXPECT_TRUE(peer.is_ended());
  held.at(0)();
}

TEST_F(HttpGatewayTest, EndsWithConnectionsInEveryState) {
  start();
  hold_answers();
  auto silent = client(), head = client(), body = client(), asked = client(), done = client();
  head.send("GET /healthz");
  const std::string whole = post_json(R"({"tensor": [1]})");
  body.send(whole.substr(0, whole.size() - 5));
  EXPECT_EQ(done.ask("GET /healthz HTTP/1.0\r\n\r\n").status, 200);
  asked.send(post_json(R"({"tensor": [1]})"));
  const auto held = take_held(1);
  boost::asio::post(gateway->io(), held.at(0));
  gateway.reset();
  EXPECT_TRUE(silent.is_ended());
  EXPECT_TRUE(head.is_ended());
  EXPECT_TRUE(body.is_ended());
}

TEST_F(HttpGatewayTest, AsksForItsToken) {
  HttpGateway::Options options;
  options.rules.token = "s3cret";
  start(std::move(options));
  auto peer = client();
  EXPECT_EQ(peer.ask(kHealth).status, 401);
  EXPECT_EQ(
      peer.ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer s3cret\r\n\r\n")
          .status,
      200);
}

TEST_F(HttpGatewayTest, HandsItsLoopOverBeforeAnythingIsAsked) {
  std::promise<boost::asio::io_context*> given;
  HttpGateway::Options options;
  options.on_thread = [&given](boost::asio::io_context& io) { given.set_value(&io); };
  start(std::move(options));
  EXPECT_EQ(given.get_future().get(), &gateway->io());
}

TEST_F(HttpGatewayTest, DoesNotOpenItselfToOthersWithoutAToken) {
  for (const char* address : {"0.0.0.0", "::", "192.168.1.1"}) {
    const auto refused = HttpGateway::start({.address = address}, asker);
    ASSERT_FALSE(refused) << address;
    EXPECT_EQ(refused.error().code, Code::invalid_argument);
    EXPECT_NE(refused.error().message.find("set a token"), std::string::npos);
  }
  HttpGateway::Options options{.address = "0.0.0.0"};
  options.rules.token = "s3cret";
  start(std::move(options));
  EXPECT_EQ(client().ask(kHealth).status, 401);
}

TEST_F(HttpGatewayTest, SaysWhyItCannotStart) {
  start();
  const auto taken = HttpGateway::start({.port = gateway->port()}, asker);
  ASSERT_FALSE(taken);
  EXPECT_NE(taken.error().message.find("choose another port"), std::string::npos);
  const auto unreadable = HttpGateway::start({.address = "localhost"}, asker);
  ASSERT_FALSE(unreadable);
  EXPECT_EQ(unreadable.error().code, Code::invalid_argument);
  HttpGateway::Options options;
  options.rules.token = "with an end\n";
  EXPECT_FALSE(HttpGateway::start(std::move(options), asker));
}

TEST_F(HttpGatewayTest, ServesManyAtOnce) {
  start();
  answer_on_the_thread();
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, &answered] {
      HttpClient peer(gateway->port());
      for (int n = 0; n < 50; ++n)
        if (peer.ask(post_json(R"({"tensor": [1]})")).status == 200) ++answered;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(answered, 400);
}

}  // namespace
}  // namespace skerry::gateway
