// Durable, acknowledged messages a second, and how long an acknowledgement takes.
//
//   message_bench [--edges 8] [--seconds 5] [--rate N] [--dir DIR] [--edge-dir DIR]
//
// Every edge is a process of its own with the link that ships (core/engine/edge/link.hpp): a
// message is a row of its outbox in SQLite (WAL, FULL), then a frame over CURVE, and its row goes
// when the cloud has acknowledged it. The cloud is this process: its ZAP handler, socket thread,
// sessions (core/engine/cloud/peers.hpp) and database, as in skerry-cloud. What a message does
// there is one row, in the transaction that counts its number; a message that counted twice would
// violate the row's key, one that got lost would be missing at the end, and both end the run. Left
// out: workers, and what the engine does with the result of a real task.
//
// Twice: as fast as it goes, with --window messages of an edge on their way; and at --rate a second
// in all, where a message's time begins when it is due, not when somebody gets to it. Beside it, of
// the same run: what bare CURVE sockets carry, and how many syncs a second the disk does.
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <deque>
#include <fstream>
#include <numeric>
#include <thread>
#include <zmq.hpp>

#include "core/base/crypto.hpp"
#include "core/base/file.hpp"
#include "core/engine/arrivals.hpp"
#include "core/engine/asio_loop.hpp"
#include "core/engine/cloud/nodes.hpp"
#include "core/engine/cloud/peers.hpp"
#include "core/engine/cloud/tables.hpp"
#include "core/engine/edge/link.hpp"
#include "core/engine/edge/tables.hpp"
#include "core/wire/socket_thread.hpp"
#include "core/wire/zap.hpp"

extern char** environ;

namespace skerry::engine {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kStartUp = 2s;    // until all have joined
constexpr auto kWarmUp = 1s;     // not counted
constexpr auto kSettle = 5s;     // in which the last acknowledgements come
constexpr auto kLimitTime = 2s;  // of the measurements that it is compared with

struct Options {
  int edges = 8;
  int seconds = 5;
  std::uint64_t rate = 20'000;
  std::uint64_t window = 512;
  std::filesystem::path dir = "/tmp";
  std::filesystem::path edge_dir;
  // Of an edge's process.
  std::string token;
  std::filesystem::path folder;
  std::int64_t begin = 0;  // of the monotonic clock
};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// As a worker's small result makes it.
wire::TaskFinished message(const std::string& edge, std::uint64_t number) {
  wire::TaskFinished finished;
  finished.key = {"bench.1", fmt::format("{}-{}", edge, number)};
  finished.metrics = {{"loss", 0.25}, {"accuracy", 0.75}};
  finished.result = R"({"samples":100})";
  return finished;
}

// ---- an edge

class Edge : edge::Link::Listener {
 public:
  explicit Edge(const Options& options)
      : options_(options),
        database_(must(store::Database::open(options.folder / "edge.db"))),
        arrivals_(io_, [this](const auto& messages) { receive(messages); }),
        sockets_(context_, [this](auto&& batch) { arrivals_.add(std::move(batch)); }),
        link_(loop_, unit_, sockets_, edge::KeyRing(must(wire::KeyPair::generate())), *this) {}

  void run() {
    must(database_.migrate(edge::kMigrations));
    const auto token = must(wire::JoinToken::parse(options_.token));
    name_ = token.node;
    must(link_.start(token));
    begin_ = Clock::time_point(Clock::duration(options_.begin));
    end_ = begin_ + kWarmUp + std::chrono::seconds(options_.seconds);
    tick();
    while (!done()) io_.run_one_for(10ms);
    report();
  }

 private:
  bool done() const {
    const auto now = Clock::now();
    return (now > end_ && pending_.empty()) || now > end_ + kSettle;
  }

  void tick() {
    alarm_ = loop_.after(1ms, [this] {
      produce();
      tick();
    });
  }

  // What is due by now, in one transaction.
  void produce() {
    const auto now = Clock::now();
    if (!up_ || now < begin_ || now >= end_) return;
    std::uint64_t count = 0;
    if (options_.rate > 0) {
      const double share = static_cast<double>(options_.rate) / options_.edges;
      const auto due = [&](std::uint64_t number) {
        return begin_ + std::chrono::duration_cast<Clock::duration>(
                            std::chrono::duration<double>(static_cast<double>(number) / share));
      };
      while (due(produced_ + count) <= now) pending_.push_back(due(produced_ + count++));
    } else {
      while (pending_.size() < options_.window) {
        pending_.push_back(now);
        ++count;
      }
    }
    if (count == 0) return;
    const Unit::Scope scope(unit_);
    while (count-- > 0) link_.send(message(name_, produced_++));
  }

  void receive(const std::vector<wire::Incoming>& messages) {
    {
      const Unit::Scope scope(unit_);
      for (const auto& incoming : messages) link_.handle(incoming);
    }
    produce();
  }

  void report() {
    std::ofstream out(options_.folder / "latencies", std::ios::binary);
    out.write(reinterpret_cast<const char*>(latencies_.data()),
              static_cast<std::streamsize>(latencies_.size() * sizeof(double)));
    std::ofstream(options_.folder / "left") << pending_.size() << ' ' << produced_;
  }

  // edge::Link::Listener
  void welcomed(const wire::Welcome&) override { up_ = true; }
  std::vector<wire::TaskKey> tasks() override { return {}; }
  void awaited(const std::vector<wire::TaskKey>&) override {}
  void message(const wire::Received&) override {}
  void delivered(const wire::TaskKey&) override {
    const auto now = Clock::now();
    const auto born = pending_.front();
    pending_.pop_front();
    if (born >= begin_ + kWarmUp && born < end_)
      latencies_.push_back(std::chrono::duration<double>(now - born).count());
  }
  void refused(const std::string& why) override { die({Code::permission_denied, why, {}, {}}); }

  static wire::TaskFinished message(const std::string& edge, std::uint64_t number) {
    return engine::message(edge, number);
  }

  Options options_;
  std::string name_;
  boost::asio::io_context io_;
  AsioLoop loop_{io_};
  store::Database database_;
  Unit unit_{database_};
  zmq::context_t context_;
  Arrivals arrivals_;
  wire::SocketThread sockets_;
  edge::Link link_;
  std::unique_ptr<Loop::Alarm> alarm_;
  bool up_ = false;
  Clock::time_point begin_{}, end_{};
  std::uint64_t produced_ = 0;
  std::deque<Clock::time_point> pending_;  // not acknowledged, oldest first
  std::vector<double> latencies_;
};

// ---- the cloud

class Cloud : cloud::Peers::Listener {
 public:
  Cloud(const std::filesystem::path& folder, int edges)
      : database_(must(store::Database::open(folder / "cloud.db"))),
        arrivals_(io_, [this](const auto& messages) { receive(messages); }) {
    must(database_.migrate(cloud::kMigrations));
    must(database_.exec(
        "CREATE TABLE effect(node TEXT NOT NULL, seq INTEGER NOT NULL, task TEXT NOT "
        "NULL, PRIMARY KEY(node, seq)) WITHOUT ROWID"));
    const auto bound = must(sockets_.bind_router(
        {.endpoint = "tcp://127.0.0.1:*", .curve = key_, .max_message = wire::kControlLimit}));
    peers_.start(bound.first, {.epoch = "epoch", .bulk_port = 1});
    for (int edge = 1; edge <= edges; ++edge)
      tokens_.push_back(
          must(nodes_.invite(fmt::format("edge-{}", edge), bound.second, key_.public_key)).text());
  }

  const std::vector<std::string>& tokens() const { return tokens_; }
  void run_until(Clock::time_point end) { io_.run_until(end); }
  std::uint64_t commits() const { return commits_; }

  std::uint64_t effects() {
    auto select = unit_.sql("SELECT count(*) FROM effect");
    must(select.step());
    return static_cast<std::uint64_t>(select.column_int(0));
  }

 private:
  void receive(const std::vector<wire::Incoming>& messages) {
    ++commits_;
    const Unit::Scope scope(unit_);
    for (const auto& incoming : messages) peers_.handle(incoming);
  }

  // cloud::Peers::Listener
  void node_online(const std::string&) override {}
  void node_offline(const std::string&) override {}
  void node_revoked(const std::string&) override {}
  std::vector<wire::TaskKey> open_tasks(const std::string&) override { return {}; }
  void reconcile(const std::string&, const std::vector<wire::TaskKey>&, std::uint64_t) override {}
  void message(const std::string& node, const wire::Received& message,
               std::function<void()> done) override {
    const auto finished = must(wire::decode<wire::TaskFinished>(message.payload()));
    const Unit::Scope scope(unit_);
    must(unit_.sql("INSERT INTO effect(node, seq, task) VALUES(?, ?, ?)")
             .bind(1, node)
             .bind(2, message.header.seq)
             .bind(3, finished.key.task)
             .run());
    done();
  }
  void progress(const std::string&, const wire::TaskReported&) override {}

  wire::KeyPair key_ = must(wire::KeyPair::generate());
  boost::asio::io_context io_;
  AsioLoop loop_{io_};
  store::Database database_;
  Unit unit_{database_};
  zmq::context_t context_;
  std::unique_ptr<wire::ZapHandler> zap_ = must(wire::ZapHandler::start(context_, {}));
  Arrivals arrivals_;
  wire::SocketThread sockets_{context_, [this](auto&& batch) { arrivals_.add(std::move(batch)); }};
  cloud::Nodes nodes_{unit_, [this](auto keys) { zap_->set_keys(std::move(keys)); }};
  cloud::Peers peers_{loop_, unit_, sockets_, nodes_, *this};
  std::vector<std::string> tokens_;
  std::uint64_t commits_ = 0;
};

// ---- what it is compared with

double syncs_a_second(const std::filesystem::path& folder) {
  const auto file = folder / "disk";
  const auto fd = must(open_file(file, O_CREAT | O_RDWR));
  const std::string page(4096, 'x');
  // Written before, as the pages of a log in use are.
  for (int i = 0; i < 1024; ++i) must(write_all(fd.get(), as_bytes(page), file));
  must(sync_data(fd.get(), file));
  const auto begin = Clock::now();
  int count = 0;
  for (; Clock::now() - begin < kLimitTime; ++count) {
    if (::pwrite(fd.get(), page.data(), page.size(), count % 1024 * 4096) < 0)
      die(errno_problem(errno, "write", file.string()));
    must(sync_data(fd.get(), file));
  }
  return count / seconds_since(begin);
}

// The same number of senders, each with a thread of its own, and frames of the same size.
double bare_messages_a_second(int edges) {
  const auto cloud = must(wire::KeyPair::generate()), edge = must(wire::KeyPair::generate());
  zmq::context_t here, there;
  const auto zap = must(wire::ZapHandler::start(here, {}));
  zap->set_keys({{edge.public_key, "edge"}});
  zmq::socket_t router(here, zmq::socket_type::router);
  router.set(zmq::sockopt::curve_server, true);
  router.set(zmq::sockopt::curve_secretkey, cloud.secret_key);
  router.set(zmq::sockopt::zap_domain, wire::kZapDomain);
  router.set(zmq::sockopt::linger, 0);
  router.bind("tcp://127.0.0.1:*");
  const std::string endpoint = router.get(zmq::sockopt::last_endpoint);
  const std::string frame = wire::frame(1, 1, 1, message("edge-1", 100'000));
  std::atomic<bool> stop{false};
  std::vector<std::jthread> senders;
  for (int i = 0; i < edges; ++i) {
    senders.emplace_back([&] {
      zmq::socket_t socket(there, zmq::socket_type::dealer);
      socket.set(zmq::sockopt::curve_serverkey, cloud.public_key);
      socket.set(zmq::sockopt::curve_publickey, edge.public_key);
      socket.set(zmq::sockopt::curve_secretkey, edge.secret_key);
      socket.set(zmq::sockopt::linger, 0);
      socket.set(zmq::sockopt::sndtimeo, 50);
      socket.connect(endpoint);
      while (!stop) static_cast<void>(socket.send(zmq::buffer(frame)));
    });
  }
  router.set(zmq::sockopt::rcvtimeo, 1000);
  zmq::message_t peer, body;
  std::uint64_t count = 0;
  auto begin = Clock::now();
  for (auto end = begin + kWarmUp + kLimitTime; Clock::now() < end;) {
    if (!router.recv(peer) || !router.recv(body)) break;
    if (Clock::now() < begin + kWarmUp) continue;
    ++count;
  }
  const double seconds = seconds_since(begin + kWarmUp);
  stop = true;
  senders.clear();
  return static_cast<double>(count) / seconds;
}

// ---- both

pid_t spawn(std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (auto& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  pid_t pid = 0;
  if (const int error =
          posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, pointers.data(), environ))
    die(errno_problem(error, "start", "an edge"));
  return pid;
}

void expect_end(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0)
    die({Code::internal, fmt::format("an edge ended with status {:#x}", status), {}, {}});
}

void run(const Options& options, const char* what, std::uint64_t rate) {
  const auto dir = must(TempDir::create(options.dir, "message_bench"));
  const auto edge_dir =
      must(TempDir::create(options.edge_dir.empty() ? options.dir : options.edge_dir, "edges"));
  Cloud cloud(dir.path(), options.edges);
  const auto begin = Clock::now() + kStartUp;
  std::vector<std::filesystem::path> folders;
  std::vector<pid_t> edges;
  for (int i = 0; i < options.edges; ++i) {
    folders.push_back(edge_dir.path() / std::to_string(i));
    must(make_directories(folders.back()));
    edges.push_back(spawn(
        {"message_bench", "--token", cloud.tokens()[static_cast<std::size_t>(i)], "--folder",
         folders.back().string(), "--begin", std::to_string(begin.time_since_epoch().count()),
         "--edges", std::to_string(options.edges), "--seconds", std::to_string(options.seconds),
         "--rate", std::to_string(rate), "--window", std::to_string(options.window)}));
  }
  cloud.run_until(begin + kWarmUp);
  const std::uint64_t commits = cloud.commits();
  cloud.run_until(begin + kWarmUp + std::chrono::seconds(options.seconds));
  const double seconds = seconds_since(begin + kWarmUp);
  const double commit_rate = static_cast<double>(cloud.commits() - commits) / seconds;
  cloud.run_until(Clock::now() + kSettle + 1s);
  for (const pid_t pid : edges) expect_end(pid);
  std::vector<double> latencies;
  std::uint64_t left = 0, produced = 0;
  for (const auto& folder : folders) {
    const std::string bytes = must(read_file(folder / "latencies"));
    const auto count = bytes.size() / sizeof(double), before = latencies.size();
    latencies.resize(before + count);
    std::copy_n(bytes.data(), count * sizeof(double),
                reinterpret_cast<char*>(latencies.data() + before));
    std::uint64_t open = 0, made = 0;
    std::ifstream(folder / "left") >> open >> made;
    left += open;
    produced += made;
  }
  if (const std::uint64_t effects = cloud.effects(); effects + left < produced || latencies.empty())
    die({Code::data_loss,
         fmt::format("{} messages were made, {} are not acknowledged, the cloud has {}", produced,
                     left, effects),
         {},
         {}});
  std::sort(latencies.begin(), latencies.end());
  const auto at = [&](double share) {
    return 1e3 *
           latencies[static_cast<std::size_t>(share * static_cast<double>(latencies.size() - 1))];
  };
  fmt::print(
      "{:<32} {:>7.0f} messages/s, acknowledged after p50 {:.1f} ms, p99 {:.1f} ms, at most {:.1f} "
      "ms; {:.0f} commits/s in the cloud; {} of {} not acknowledged at the end\n",
      what, static_cast<double>(latencies.size()) / options.seconds, at(0.5), at(0.99), at(1),
      commit_rate, left, produced);
  std::fflush(stdout);
}

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures durable, acknowledged messages");
  app.add_option("--edges", options.edges, "how many edges");
  app.add_option("--seconds", options.seconds, "how long each measurement takes");
  app.add_option("--rate", options.rate, "messages a second of all edges, in the second run");
  app.add_option("--window", options.window, "messages of an edge on their way, in the first run");
  app.add_option("--dir", options.dir, "where the databases are");
  app.add_option("--edge-dir", options.edge_dir, "where those of the edges are; as --dir");
  app.add_option("--token", options.token)->group("");
  app.add_option("--folder", options.folder)->group("");
  app.add_option("--begin", options.begin)->group("");
  CLI11_PARSE(app, argc, argv);
  must(init_sodium());
  if (!options.token.empty()) {
    Edge(options).run();
    return 0;
  }
  fmt::print("{} edges, messages of {} bytes\n", options.edges,
             wire::frame(1, 1, 1, message("edge-1", 100'000)).size());
  fmt::print("{:<32} {:>7.0f} syncs/s\n", "the cloud's disk alone", syncs_a_second(options.dir));
  fmt::print("{:<32} {:>7.0f} messages/s\n", "bare CURVE sockets",
             bare_messages_a_second(options.edges));
  std::fflush(stdout);
  run(options, "as fast as it goes", 0);
  run(options, fmt::format("at {} a second", options.rate).c_str(), options.rate);
  return 0;
}

}  // namespace
}  // namespace skerry::engine

int main(int argc, char** argv) {
  return skerry::engine::main(argc, argv);
}
