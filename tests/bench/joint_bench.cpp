// Joint inference with models that compute nothing: what the rest costs. Everything is real: hosts,
// workers, CURVE between cloud and edges. Beside the figures stand bare ZeroMQ's of the same run,
// and Sedna's for a request of the same size, measured elsewhere.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>
#include <zmq.hpp>

#include "core/base/crypto.hpp"
#include "core/base/file.hpp"
#include "core/client/client.hpp"
#include "core/wire/envelope.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/predict.hpp"
#include "core/wire/sockets.hpp"
#include "tests/fault/support/cluster.hpp"

namespace {

using namespace skerry;
using Clock = std::chrono::steady_clock;

double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}

// ---- bare ZeroMQ: a ROUTER that echoes 40 bytes, a DEALER that waits for them

double bare_round_trip(std::size_t bytes, const std::string& endpoint, bool curve, int count) {
  zmq::context_t context(1);
  const wire::KeyPair server = must(wire::KeyPair::generate()),
                      client = must(wire::KeyPair::generate());
  zmq::socket_t router(context, zmq::socket_type::router);
  zmq::context_t other(1);
  zmq::socket_t dealer(other, zmq::socket_type::dealer);
  if (curve) {
    router.set(zmq::sockopt::curve_server, true);
    router.set(zmq::sockopt::curve_secretkey, server.secret_key);
    dealer.set(zmq::sockopt::curve_serverkey, server.public_key);
    dealer.set(zmq::sockopt::curve_publickey, client.public_key);
    dealer.set(zmq::sockopt::curve_secretkey, client.secret_key);
  }
  router.bind(endpoint);
  dealer.connect(router.get(zmq::sockopt::last_endpoint));
  std::thread echo([&] {
    const std::string answer(40, 'a');
    for (int i = 0; i < count; ++i) {
      zmq::message_t peer, body;
      (void)router.recv(peer);
      (void)router.recv(body);
      router.send(peer, zmq::send_flags::sndmore);
      router.send(zmq::buffer(answer), zmq::send_flags::none);
    }
  });
  const std::string question(bytes, 'q');
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    const auto began = Clock::now();
    dealer.send(zmq::buffer(question), zmq::send_flags::none);
    zmq::message_t answer;
    (void)dealer.recv(answer);
    times.push_back(microseconds(Clock::now() - began));
  }
  echo.join();
  return quantile(times, 0.5);
}

// ---- a service of null models

std::string service(const std::string& name, const std::vector<std::int64_t>& shape,
                    const std::string& strategy, double threshold, int batch) {
  return fmt::format(R"(apiVersion: skerry.dev/v1alpha1
kind: JointInferenceService
metadata: {{name: {}}}
spec:
  input: {{shape: [{}]}}
  strategy: {{plugin: {}}}
  edge:
    - estimator: {{plugin: fixture-null}}
      filter: {{plugin: margin}}
      threshold: {}
  cloud:
    estimator: {{plugin: fixture-null}}
    batch: {{max: {}, delayUs: 200}}
  deadline: 5s
  audit: 0
  pluginPath: [{}]
)",
                     name, fmt::join(shape, ", "), strategy, threshold, batch, SKERRY_FIXTURES);
}

constexpr double kAllHard = -1, kAllEasy = 10;
constexpr std::size_t kWindow = 64;  // questions under way from one edge

class Site {
 public:
  explicit Site(int edges)
      : folder_(must(TempDir::create("/tmp", "joint"))), cluster_(folder_.path(), edges) {
    cluster_.start();
  }
  ~Site() { cluster_.kill_all(); }

  void serve(const std::string& name, const std::string& text) {
    cluster_.insist("apply", {{"text", text}, {"file", "/bench.yaml"}});
    for (int edge = 1; edge < cluster_.hosts(); ++edge) {
      auto client = this->client(edge);
      const wire::PredictRequest warm{name, 2'000'000, wire::Form::uint8, {1}};
      if (!fault::eventually([&] {
            const auto id = client.ask(warm, as_bytes("x"));
            const std::string code = client.answer_to(id).reply.code;
            return code == "shape.mismatch" || code.empty();
          }))
        throw std::runtime_error("the service does not come up");
    }
  }
  void end(const std::string& name) {
    cluster_.insist("delete", {{"kind", "job"}, {"name", name}});
  }
  client::Client client(int edge) { return must(client::Client::connect(cluster_.state(edge))); }
  fault::Cluster& cluster() { return cluster_; }

 private:
  TempDir folder_;
  fault::Cluster cluster_;
};

struct Measured {
  std::vector<double> app, total, wire, queue, compute;
  std::map<std::string, int> codes;
  int by_cloud = 0;
};

Measured ask_one_by_one(client::Client& client, const std::string& name,
                        const std::vector<std::int64_t>& shape, int count) {
  const std::size_t bytes = wire::elements_of(shape);
  const std::string data(bytes, '\x01');
  const wire::PredictRequest request{name, 5'000'000, wire::Form::uint8, shape};
  Measured measured;
  for (int i = 0; i < count; ++i) {
    const auto began = Clock::now();
    const auto answer = client.answer_to(client.ask(request, as_bytes(data)));
    measured.app.push_back(microseconds(Clock::now() - began));
    measured.total.push_back(answer.reply.total_us);
    measured.wire.push_back(answer.reply.wire_us);
    measured.queue.push_back(answer.reply.queue_us);
    measured.compute.push_back(answer.reply.compute_us);
    measured.by_cloud += answer.reply.by_cloud;
    if (!answer.reply.code.empty()) ++measured.codes[answer.reply.code];
  }
  return measured;
}

// `window` under way all the time, for so long; answers a second.
double pipelined(client::Client& client, const std::string& name,
                 const std::vector<std::int64_t>& shape, std::size_t window,
                 std::chrono::milliseconds time, std::vector<double>* latencies = nullptr,
                 int* failed = nullptr) {
  const std::string data(wire::elements_of(shape), '\x01');
  const wire::PredictRequest request{name, 5'000'000, wire::Form::uint8, shape};
  std::map<std::uint64_t, Clock::time_point> sent;
  const auto began = Clock::now();
  std::uint64_t answered = 0;
  while (Clock::now() - began < time) {
    while (sent.size() < window) {
      const auto now = Clock::now();
      sent[client.ask(request, as_bytes(data))] = now;
    }
    const auto answer = client.next(Clock::now() + std::chrono::seconds(5));
    if (!answer) break;
    ++answered;
    const auto it = sent.find(answer->id);
    if (latencies) latencies->push_back(microseconds(Clock::now() - it->second));
    if (failed && !answer->reply.code.empty()) ++*failed;
    sent.erase(it);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  while (!sent.empty()) {
    const auto answer = client.next(Clock::now() + std::chrono::seconds(5));
    if (!answer) break;
    sent.erase(answer->id);
  }
  return static_cast<double>(answered) / seconds;
}

struct Size {
  const char* name;
  std::vector<std::int64_t> shape;
  double limit_us;
  const char* sedna;
};
const Size kSizes[] = {{"8 KB", {8192}, 300, "2.5 ms (28x28x3)"},
                       {"150 KB", {3, 224, 224}, 800, "68 ms (224x224x3)"},
                       {"900 KB", {3, 480, 640}, 4000, "475 ms (640x480x3)"}};

bool measure_latency(Site& site, int runs, int count) {
  fmt::print("Hard requests, application to edge to cloud and back; median of {} runs' p50, us\n",
             runs);
  fmt::print("{:8} {:>8} {:>8} {:>8}   {:>8} {:>8} {:>8} {:>8}   {:>9} {:>9}   {}\n", "size", "p50",
             "limit", "p99", "edge", "wire", "queue", "compute", "bare tcp", "+ CURVE",
             "Sedna, p50");
  bool good = true;
  for (const Size& size : kSizes) {
    const std::string name = "size" + std::to_string(size.shape.back());
    site.serve(name, service(name, size.shape, "infer-then-mine", kAllHard, 8));
    auto client = site.client(1);
    ask_one_by_one(client, name, size.shape, count / 4);
    std::vector<double> p50, p99, edge, wire, queue, compute;
    for (int run = 0; run < runs; ++run) {
      const Measured m = ask_one_by_one(client, name, size.shape, count);
      for (const auto& [code, number] : m.codes) fmt::print("{} x {}\n", number, code);
      if (m.by_cloud != count)
        fmt::print("only {} of {} were answered by the cloud\n", m.by_cloud, count);
      p50.push_back(quantile(m.app, 0.5));
      p99.push_back(quantile(m.app, 0.99));
      edge.push_back(quantile(m.total, 0.5) - quantile(m.wire, 0.5) - quantile(m.queue, 0.5) -
                     quantile(m.compute, 0.5));
      wire.push_back(quantile(m.wire, 0.5));
      queue.push_back(quantile(m.queue, 0.5));
      compute.push_back(quantile(m.compute, 0.5));
    }
    const std::size_t bytes = wire::elements_of(size.shape);
    const double tcp = bare_round_trip(bytes, "tcp://127.0.0.1:*", false, count);
    const double curve = bare_round_trip(bytes, "tcp://127.0.0.1:*", true, count);
    const double median = quantile(p50, 0.5);
    good = good && median <= size.limit_us;
    fmt::print(
        "{:8} {:8.0f} {:8.0f} {:8.0f}   {:8.0f} {:8.0f} {:8.0f} {:8.0f}   {:9.0f} {:9.0f}   {}\n",
        size.name, median, size.limit_us, quantile(p99, 0.5), quantile(edge, 0.5),
        quantile(wire, 0.5), quantile(queue, 0.5), quantile(compute, 0.5), tcp, curve - tcp,
        size.sedna);
    site.end(name);
  }
  return good;
}

bool measure_edge_path(Site& site, int runs, int count) {
  const std::vector<std::int64_t> shape{8192};
  site.serve("easy", service("easy", shape, "infer-then-mine", kAllEasy, 8));
  auto client = site.client(1);
  ask_one_by_one(client, "easy", shape, count / 4);
  std::vector<double> app, total;
  for (int run = 0; run < runs; ++run) {
    const Measured m = ask_one_by_one(client, "easy", shape, count);
    app.push_back(quantile(m.app, 0.5));
    total.push_back(quantile(m.total, 0.5));
  }
  site.end("easy");
  const auto folder = must(TempDir::create("/tmp", "bare"));
  const double bare =
      bare_round_trip(8192, "ipc://" + (folder.path() / "bare.sock").string(), false, count);
  const double added = quantile(total, 0.5);
  fmt::print(
      "\nEdge only, 8 KB: p50 {:.0f} us to the application, of which {:.0f} us in the edge's "
      "worker (limit 20: model, filter, strategy, bookkeeping); two ipc hops each way, where "
      "one bare round trip takes {:.0f} us\n",
      quantile(app, 0.5), added, bare);
  return added <= 20;
}

bool measure_pipeline(Site& site, int runs, double& rate) {
  const std::vector<std::int64_t> shape{8192};
  site.serve("pipe", service("pipe", shape, "infer-then-mine", kAllHard, 32));
  auto client = site.client(1);
  pipelined(client, "pipe", shape, kWindow, std::chrono::milliseconds(500));
  std::vector<double> rates;
  int failed = 0;
  for (int run = 0; run < runs; ++run)
    rates.push_back(pipelined(client, "pipe", shape, kWindow, std::chrono::milliseconds(2000),
                              nullptr, &failed));
  site.end("pipe");
  rate = quantile(rates, 0.5);
  fmt::print(
      "\nPipelined, 64 under way, 8 KB, hard: {:.0f} answers/s from one edge (at least "
      "8,000), {} failed\n",
      rate, failed);
  return rate >= 8000;
}

// ---- many edges on one service

const std::vector<std::int64_t> kFairShape{8192};
constexpr std::chrono::milliseconds kFairWarm{1500}, kFairTime{6000};

struct Shares {
  double sum = 0, jain = 0, slowest = 0, fastest = 0;
  bool fair() const { return jain >= 0.95; }
};

Shares shares_of(const std::vector<double>& rates) {
  const double sum = std::accumulate(rates.begin(), rates.end(), 0.0);
  const double squares = std::inner_product(rates.begin(), rates.end(), rates.begin(), 0.0);
  const auto [slowest, fastest] = std::minmax_element(rates.begin(), rates.end());
  return {sum, sum * sum / (static_cast<double>(rates.size()) * squares), *slowest, *fastest};
}

// Whole edges, each with its host, its worker and an application, beside the cloud.
bool share_among_edges(Site& site, int edges, double one_edge) {
  std::vector<double> rates(static_cast<std::size_t>(edges));
  std::vector<int> failed(rates.size());
  std::vector<std::thread> threads;
  for (int edge = 1; edge <= edges; ++edge)
    threads.emplace_back([&, edge] {
      const auto at = static_cast<std::size_t>(edge - 1);
      auto client = site.client(edge);
      pipelined(client, "fair", kFairShape, kWindow, kFairWarm);
      rates[at] = pipelined(client, "fair", kFairShape, kWindow, kFairTime, nullptr, &failed[at]);
    });
  for (auto& thread : threads) thread.join();
  const Shares shares = shares_of(rates);
  fmt::print(
      "\n{} edges on one service: {:.0f} answers/s in sum ({:.2f} of one edge's; at least "
      "0.80), Jain fairness {:.3f} (at least 0.95), slowest {:.0f}/s, fastest {:.0f}/s, {} "
      "failed\n",
      edges, shares.sum, shares.sum / one_edge, shares.jain, shares.slowest, shares.fastest,
      std::accumulate(failed.begin(), failed.end(), 0));
  return shares.fair() && shares.sum >= 0.8 * one_edge;
}

// ---- the same cloud, asked with its nodes' keys and nothing of an edge behind them

constexpr std::chrono::seconds kBarePatience{5};
constexpr int kBareQueue = 512;  // as an edge's connection has
constexpr std::size_t kBareThreads = 2;

// What counts: answers that come within it, failures from its begin on.
struct Period {
  Clock::time_point begin, end;
};

struct Tally {
  std::uint64_t answered = 0;
  std::map<std::string, int> failed;  // by code
};

struct RequestPort {
  std::string endpoint, server_key;
};

// A node's connection to the cloud's request port, made as its edge makes it. One thread.
class BareEdge {
 public:
  // `question`: a frame, of which each question is a copy under its own number. Outlives this.
  BareEdge(zmq::context_t& context, const RequestPort& port, const wire::KeyPair& self,
           std::string_view question)
      : question_(question), socket_(context, zmq::socket_type::dealer) {
    wire::set_limits(socket_,
                     {.max_message = wire::kPredictLimit,
                      .send_high_water = kBareQueue,
                      .receive_high_water = kBareQueue},
                     port.endpoint);
    wire::set_curve_client(socket_, self, port.server_key);
    socket_.connect(port.endpoint);
  }

  zmq::pollitem_t item() { return {socket_.handle(), 0, ZMQ_POLLIN, 0}; }
  std::size_t under_way() const { return waiting_.size(); }

  void fill_window() {
    while (waiting_.size() < kWindow) {
      zmq::message_t body(question_.data(), question_.size());
      wire::seal_frame({wire::Type::predict_request, session_, asked_ + 1},
                       {body.data<std::byte>(), body.size()});
      if (wire::send(socket_, {}, body) != wire::Sent::ok) return;
      waiting_.insert(++asked_);
    }
  }

  // All that came, at `now`.
  void take(const Period& period, Clock::time_point now) {
    wire::Arrived arrived;
    while (wire::receive(socket_, false, arrived) == wire::Receipt::message) {
      const std::string code = code_of(arrived.body.to_string_view());
      if (now < period.begin) continue;
      if (!code.empty())
        ++tally_.failed[code];
      else if (now < period.end)
        ++tally_.answered;
    }
  }

  Tally tally() const {
    Tally tally = tally_;
    if (!waiting_.empty()) tally.failed["no answer"] = static_cast<int>(waiting_.size());
    return tally;
  }

 private:
  static std::uint64_t random_number() {
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
  }

  // Empty: it answers a question that waited, and has what was asked for.
  std::string code_of(std::string_view frame) {
    const auto view = wire::check_frame(frame, wire::kPredictLimit);
    const bool mine = view && view->header.type == wire::Type::predict_reply &&
                      view->header.session == session_ && waiting_.erase(view->header.seq) == 1;
    if (!mine) return "answer to no question";
    const auto reply = wire::parse_reply(view->payload);
    if (!reply) return "malformed answer";
    return reply->meta.code.empty() && reply->data.empty() ? "answer without outputs"
                                                           : reply->meta.code;
  }

  const std::string_view question_;
  const std::uint64_t session_ = random_number();
  std::uint64_t asked_ = 0;
  std::unordered_set<std::uint64_t> waiting_;
  Tally tally_;
  zmq::socket_t socket_;
};

// These nodes ask until the period ends, on this thread; returns when all answers came, or can come
// no more.
std::vector<Tally> ask_bare(const RequestPort& port, std::span<const wire::KeyPair> nodes,
                            std::string_view question, const Period& period) {
  constexpr std::chrono::milliseconds kTick{20};
  const auto give_up = period.end + kBarePatience + std::chrono::seconds(1);
  zmq::context_t context(1);
  std::deque<BareEdge> edges;
  std::vector<zmq::pollitem_t> items;
  for (const wire::KeyPair& node : nodes)
    items.push_back(edges.emplace_back(context, port, node, question).item());
  for (;;) {
    const auto now = Clock::now();
    std::size_t under_way = 0;
    for (std::size_t i = 0; i < edges.size(); ++i) {
      if (items[i].revents & ZMQ_POLLIN) edges[i].take(period, now);
      if (now < period.end) edges[i].fill_window();
      under_way += edges[i].under_way();
    }
    if (now >= give_up || (now >= period.end && under_way == 0)) break;
    zmq_poll(items.data(), static_cast<int>(items.size()), kTick.count());
  }
  std::vector<Tally> tallies;
  for (const BareEdge& edge : edges) tallies.push_back(edge.tally());
  return tallies;
}

struct BareRates {
  std::vector<double> each;  // answers a second, of each node
  std::map<std::string, int> failed;

  std::string failures() const {
    int count = 0;
    std::string codes;
    for (const auto& [code, number] : failed) {
      count += number;
      codes += fmt::format("{}{} x {}", codes.empty() ? ": " : ", ", number, code);
    }
    return fmt::format("{} failed{}", count, codes);
  }
};

BareRates measure_bare(Site& site, int nodes) {
  const auto key_in = [&](int host, const char* file) {
    return must(wire::KeyPair::load_or_create(site.cluster().state(host) / file));
  };
  const RequestPort port{fmt::format("tcp://127.0.0.1:{}", site.cluster().request_port()),
                         key_in(0, "cloud.key").public_key};
  std::vector<wire::KeyPair> keys;
  for (int edge = 1; edge <= nodes; ++edge) keys.push_back(key_in(edge, "edge.key"));

  const std::string data(wire::elements_of(kFairShape), '\x01');
  const auto patience = std::chrono::microseconds(kBarePatience).count();
  const std::string question = wire::frame_request(
      0, 0, {"fair", static_cast<std::uint32_t>(patience), wire::Form::uint8, kFairShape},
      as_bytes(data));
  const auto begin = Clock::now() + kFairWarm;
  const Period period{begin, begin + kFairTime};
  const std::size_t threads = std::min(kBareThreads, keys.size());
  std::vector<std::future<std::vector<Tally>>> askers;
  for (std::size_t i = 0; i < threads; ++i) {
    const std::size_t first = i * keys.size() / threads, last = (i + 1) * keys.size() / threads;
    askers.push_back(std::async(std::launch::async, ask_bare, std::cref(port),
                                std::span(keys).subspan(first, last - first),
                                std::string_view(question), std::cref(period)));
  }
  BareRates rates;
  for (auto& asker : askers)
    for (const Tally& tally : asker.get()) {
      rates.each.push_back(static_cast<double>(tally.answered) /
                           std::chrono::duration<double>(kFairTime).count());
      for (const auto& [code, number] : tally.failed) rates.failed[code] += number;
    }
  return rates;
}

bool share_of_the_cloud(Site& site, int nodes, double one_edge) {
  const BareRates one = measure_bare(site, 1);
  const BareRates all = measure_bare(site, nodes);
  const Shares shares = shares_of(all.each);
  fmt::print(
      "\nThe cloud alone, asked over one bare CURVE socket a node with that node's key, {} under "
      "way each; {} nodes, answers/s of each: {:.0f}\n",
      kWindow, nodes, fmt::join(all.each, ", "));
  fmt::print(
      "{:.0f} answers/s in sum ({:.2f} of one whole edge's; at least 0.80), Jain fairness {:.3f} "
      "(at least 0.95), slowest {:.0f}/s, fastest {:.0f}/s, {} (none allowed)\n",
      shares.sum, shares.sum / one_edge, shares.jain, shares.slowest, shares.fastest,
      all.failures());
  fmt::print(
      "One bare socket: {:.0f} answers/s, {} (none allowed); the sum is {:.2f} of that, which "
      "leaves out all of an edge but its connection (no host, no worker with model, filter and "
      "strategy, no application), though the sockets' own encryption and decryption still take "
      "this machine's processors beside the cloud.\n",
      one.each.front(), one.failures(), shares.sum / one.each.front());
  return shares.fair() && shares.sum >= 0.8 * one_edge && all.failed.empty() && one.failed.empty();
}

bool measure_fairness(int edges, double one_edge) {
  Site site(edges);
  site.serve("fair", service("fair", kFairShape, "infer-then-mine", kAllHard, 32));
  bool good = share_among_edges(site, edges, one_edge);
  good = share_of_the_cloud(site, edges, one_edge) && good;
  site.end("fair");
  return good;
}

// An MLP 784-400-400-10 on the cloud, 32 questions under way from one edge.
bool measure_batching(Site& site, int runs) {
  const std::vector<std::int64_t> shape{784};
  struct Case {
    double rate = 0, p99 = 0;
  };
  const auto measure = [&](int batch) {
    std::string text = service("mlp", shape, "cloud-only", kAllHard, batch);
    const std::string null = "cloud:\n    estimator: {plugin: fixture-null}";
    text.replace(text.find(null), null.size(),
                 "cloud:\n    estimator: {plugin: torch, config: {architecture: mlp, hidden: [400, "
                 "400]}}");
    text.replace(text.find("input: {shape: [784]}"), 21, "input: {shape: [784], classes: 10}");
    const std::string edge = "- estimator: {plugin: fixture-null}";
    text.replace(text.find(edge), edge.size(), "- estimator: {plugin: linear}");
    site.serve("mlp", text);
    auto client = site.client(1);
    pipelined(client, "mlp", shape, 32, std::chrono::milliseconds(500));
    std::vector<double> rates, p99;
    for (int run = 0; run < runs; ++run) {
      std::vector<double> latencies;
      rates.push_back(
          pipelined(client, "mlp", shape, 32, std::chrono::milliseconds(2000), &latencies));
      p99.push_back(quantile(latencies, 0.99));
    }
    site.end("mlp");
    return Case{quantile(rates, 0.5), quantile(p99, 0.5)};
  };
  const Case one = measure(1), many = measure(32);
  const double gain = many.rate / one.rate;
  fmt::print(
      "\nMLP 784-400-400-10 on the cloud, 32 under way: {:.0f} answers/s one at a time, p99 "
      "{:.0f} us; {:.0f} in batches of up to 32, p99 {:.0f} us: {:.1f} x (at least 4)\n",
      one.rate, one.p99, many.rate, many.p99, gain);
  return gain >= 4 && many.p99 <= 2 * one.p99 + 200;
}

}  // namespace

int main(int argc, char** argv) try {
  int runs = 5, count = 2000, edges = 16;
  CLI::App app("Joint inference with null models");
  app.add_option("--runs", runs, "how often each is measured; medians are printed");
  app.add_option("--count", count, "requests a run");
  app.add_option("--edges", edges, "that share one service; 0: not measured");
  bool mlp = false;
  app.add_flag("--mlp", mlp, "measure batches too; needs the plugin torch");
  bool only_mlp = false;
  app.add_flag("--only-mlp", only_mlp, "and nothing else");
  CLI11_PARSE(app, argc, argv);
  if (!init_sodium()) return 1;
  bool good = true;
  double rate = 0;
  {
    Site site(1);
    if (only_mlp) return measure_batching(site, runs) ? 0 : 1;
    good = measure_latency(site, runs, count) && good;
    good = measure_edge_path(site, runs, count) && good;
    good = measure_pipeline(site, runs, rate) && good;
    if (mlp) good = measure_batching(site, runs) && good;
  }
  if (edges > 0) good = measure_fairness(edges, rate) && good;
  fmt::print("\n{}\n", good ? "All within their limits." : "NOT all within their limits.");
  return good ? 0 : 1;
} catch (const std::exception& error) {
  fmt::print(stderr, "joint_bench: {}\n", error.what());
  return 1;
}
