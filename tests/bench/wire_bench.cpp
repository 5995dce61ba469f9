// The wire beside the sockets it stands on, in one run: bulk MB/s and control round trips over
// CURVE on the loopback.
//
// usage: wire_bench [MiB a blob, default 256] [folder for the blobs, default the current one]
// Both ends share this process and this machine's cores; durable uploads are bounded by the
// folder's disk.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "core/base/file.hpp"
#include "core/wire/bulk_client.hpp"
#include "core/wire/bulk_server.hpp"
#include "core/wire/envelope.hpp"
#include "core/wire/socket_thread.hpp"
#include "core/wire/zap.hpp"

namespace skerry::wire {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRoundTrips = 20000;
constexpr std::size_t kMessage = 64;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Network {
  KeyPair cloud = KeyPair::generate().value();
  KeyPair edge = KeyPair::generate().value();
  zmq::context_t cloud_context, edge_context;
  std::unique_ptr<ZapHandler> zap = ZapHandler::start(cloud_context, {}).value();

  Network() { zap->set_keys({{edge.public_key, "edge"}}); }

  zmq::socket_t bare_router() {
    zmq::socket_t socket(cloud_context, zmq::socket_type::router);
    socket.set(zmq::sockopt::curve_server, true);
    socket.set(zmq::sockopt::curve_secretkey, cloud.secret_key);
    socket.set(zmq::sockopt::zap_domain, kZapDomain);
    socket.set(zmq::sockopt::linger, 0);
    socket.bind("tcp://127.0.0.1:*");
    return socket;
  }
  zmq::socket_t bare_dealer(zmq::socket_t& router) {
    zmq::socket_t socket(edge_context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::curve_serverkey, cloud.public_key);
    socket.set(zmq::sockopt::curve_publickey, edge.public_key);
    socket.set(zmq::sockopt::curve_secretkey, edge.secret_key);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::sndhwm, 32);
    socket.connect(router.get(zmq::sockopt::last_endpoint));
    return socket;
  }
};

// ---- bulk

class Store : public BulkBackend {
 public:
  Store(std::filesystem::path source, std::uint64_t size, std::filesystem::path staging)
      : source_(std::move(source)), size_(size), staging_(std::move(staging)) {}
  void resolve(const std::string&, const Digest&,
               std::function<void(Result<BulkSource>)> done) override {
    done(BulkSource{source_, size_, {}});
  }
  void admit(const std::string&, const Digest&, std::uint64_t,
             std::function<void(Result<BulkTarget>)> done) override {
    done(BulkTarget{false, staging_});
  }
  void received(const std::string&, const Digest&, std::uint64_t, std::filesystem::path,
                std::function<void(Status)> done) override {
    done({});
  }

 private:
  std::filesystem::path source_;
  std::uint64_t size_;
  std::filesystem::path staging_;
};

struct Cost {
  double seconds;
  double cpu_seconds;  // of both ends and libzmq's threads
};

class Stopwatch {
 public:
  Cost cost() const { return {seconds_since(start_), cpu_now() - cpu_}; }

 private:
  static double cpu_now() {
    rusage use{};
    ::getrusage(RUSAGE_SELF, &use);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(use.ru_utime) + seconds(use.ru_stime);
  }
  Clock::time_point start_ = Clock::now();
  double cpu_ = cpu_now();
};

template <class Begin>
Cost timed_transfer(Begin begin) {
  std::promise<Result<std::uint64_t>> promise;
  const Stopwatch watch;
  begin([&](Result<std::uint64_t> outcome) { promise.set_value(std::move(outcome)); });
  const auto outcome = promise.get_future().get();
  if (!outcome) {
    fmt::print(stderr, "{}\n", outcome.error().text());
    std::exit(1);
  }
  return watch.cost();
}

Cost bare_transfer(Network& net, std::size_t chunks) {
  auto router = net.bare_router();
  auto dealer = net.bare_dealer(router);
  const std::string chunk(kChunkSize, 'x');
  const Stopwatch watch;
  std::thread sender([&] {
    for (std::size_t i = 0; i < chunks; ++i) dealer.send(zmq::buffer(chunk));
    zmq::message_t end;
    (void)dealer.recv(end);
  });
  zmq::message_t peer, body;
  for (std::size_t i = 0; i < chunks; ++i) {
    (void)router.recv(peer);
    (void)router.recv(body);
  }
  const Cost cost = watch.cost();
  router.send(peer, zmq::send_flags::sndmore);
  router.send(zmq::message_t{}, zmq::send_flags::none);
  sender.join();
  return cost;
}

double disk_alone(const std::filesystem::path& file, std::size_t chunks) {
  const std::string chunk(kChunkSize, 'x');
  const auto start = Clock::now();
  const auto fd = open_file(file, O_CREAT | O_TRUNC | O_WRONLY).value();
  for (std::size_t i = 0; i < chunks; ++i) {
    (void)write_all(fd.get(), as_bytes(chunk), file);
    if (i % 32 == 31) (void)sync_data(fd.get(), file);
  }
  (void)sync_data(fd.get(), file);
  return seconds_since(start);
}

void bench_bulk(std::size_t mebibytes, const std::filesystem::path& parent) {
  const auto dir = TempDir::create(parent, "wire_bench").value();
  const auto source = dir.path() / "source";
  {
    std::ofstream out(source, std::ios::binary);
    const std::string mebibyte(1 << 20, 'm');
    for (std::size_t i = 0; i < mebibytes; ++i)
      out << i << mebibyte.substr(std::to_string(i).size());
  }
  const std::uint64_t size = mebibytes << 20;
  const std::size_t chunks = size / kChunkSize;
  const double megabytes = static_cast<double>(size) / 1e6;
  const Digest digest = digest_of_file(source).value();
  Network net;
  Store store(source, size, dir.path() / "staging");
  const auto server =
      BulkServer::start(net.cloud_context, "tcp://127.0.0.1:*", net.cloud, store).value();
  const auto client =
      BulkClient::start(net.edge_context, server->endpoint(), net.edge, net.cloud.public_key)
          .value();

  std::vector<double> uploads, ratios;
  fmt::print("bulk, one blob of {} MiB in chunks of 256 KiB:\n", mebibytes);
  for (int run = 1; run <= 3; ++run) {
    const Cost bare = bare_transfer(net, chunks);
    const double disk = disk_alone(dir.path() / "disk", chunks);
    std::filesystem::remove(dir.path() / "disk");
    const Cost put = timed_transfer([&](auto done) { client->put(digest, source, size, done); });
    std::filesystem::remove(dir.path() / "staging");
    const Cost get =
        timed_transfer([&](auto done) { client->get(digest, dir.path() / "got", done); });
    std::filesystem::remove(dir.path() / "got");
    const auto line = [&](const char* what, const Cost& cost) {
      fmt::print("  run {}: {:<32} {:>5.0f} MB/s, {:>5.0f} MB a CPU second\n", run, what,
                 megabytes / cost.seconds, megabytes / cost.cpu_seconds);
    };
    line("upload, durable and verified", put);
    line("download, durable and verified", get);
    line("bare CURVE sockets", bare);
    fmt::print("  run {}: the disk alone, fdatasync each 8 MiB: {:.0f} MB/s\n", run,
               megabytes / disk);
    uploads.push_back(megabytes / put.seconds);
    ratios.push_back(bare.seconds / put.seconds);
  }
  std::sort(uploads.begin(), uploads.end());
  std::sort(ratios.begin(), ratios.end());
  fmt::print(
      "  upload, median of the runs: {:.0f} MB/s (wanted: 120), {:.2f} of the bare sockets "
      "(wanted: 0.5)\n",
      uploads[uploads.size() / 2], ratios[ratios.size() / 2]);
}

// ---- control

void print_percentiles(const char* what, std::vector<double>& microseconds) {
  std::sort(microseconds.begin(), microseconds.end());
  fmt::print("  {}: p50 {:.0f} us, p99 {:.0f} us\n", what, microseconds[microseconds.size() / 2],
             microseconds[microseconds.size() * 99 / 100]);
}

void bench_bare_round_trips() {
  Network net;
  auto router = net.bare_router();
  auto dealer = net.bare_dealer(router);
  std::thread echo([&] {
    zmq::message_t peer, body;
    for (int i = 0; i < kRoundTrips; ++i) {
      (void)router.recv(peer);
      (void)router.recv(body);
      router.send(peer, zmq::send_flags::sndmore);
      router.send(body, zmq::send_flags::none);
    }
  });
  const std::string message(kMessage, 'x');
  std::vector<double> times;
  zmq::message_t reply;
  for (int i = 0; i < kRoundTrips; ++i) {
    const auto start = Clock::now();
    dealer.send(zmq::buffer(message));
    (void)dealer.recv(reply);
    times.push_back(1e6 * seconds_since(start));
  }
  echo.join();
  print_percentiles("bare CURVE sockets, both ends blocking", times);
}

void bench_round_trips() {
  Network net;
  SocketThread* answers = nullptr;
  SocketThread cloud(net.cloud_context, [&](SocketThread::Batch&& batch) {
    for (auto& m : batch.messages) answers->send(m.socket, std::move(m.peer), std::move(m.data));
  });
  answers = &cloud;
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t arrived = 0;
  SocketThread edge(net.edge_context, [&](SocketThread::Batch&& batch) {
    std::lock_guard lock(mutex);
    arrived += batch.messages.size();
    changed.notify_one();
  });
  const auto bound = cloud.bind_router({"tcp://127.0.0.1:*", net.cloud, kControlLimit}).value();
  const int dealer =
      edge.connect_dealer({bound.second, net.edge, net.cloud.public_key, kControlLimit}).value();
  const std::string message(kMessage, 'x');
  std::vector<double> times;
  for (int i = 0; i < kRoundTrips; ++i) {
    const auto start = Clock::now();
    edge.send(dealer, "", message);
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return arrived > static_cast<std::size_t>(i); });
    times.push_back(1e6 * seconds_since(start));
  }
  print_percentiles("SocketThread on both ends, from send() to the woken caller", times);
}

int run(int argc, char** argv) {
  const std::size_t mebibytes = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 256;
  const std::filesystem::path folder = argc > 2 ? argv[2] : ".";
  bench_bulk(std::max<std::size_t>(1, mebibytes), folder);
  fmt::print(
      "control, round trip of {} bytes over CURVE, {} times, the first with its handshake:\n",
      kMessage, kRoundTrips);
  bench_bare_round_trips();
  bench_round_trips();
  return 0;
}

}  // namespace
}  // namespace skerry::wire

int main(int argc, char** argv) {
  return skerry::wire::run(argc, argv);
}
