// What many edges cost the cloud's host, and how soon all are back when it was killed.
//
//   fleet_bench [--edges 2000] [--job-edges 1000] [--down SECONDS] [--dir DIR]
//
// The cloud is skerry-cloud. The edges are the engine that ships (core/engine/edge/engine.hpp) with
// an outbox in SQLite, a key, a control connection and a bulk client of its own each; hundreds of
// them share a process, whose workers hold each task until they are told to let go, and then give
// the model back as their update. It is small, so that no bulk connection is needed. The edges'
// databases are in memory (/dev/shm): each would have a disk of its own. The nodes are enrolled
// beforehand, by the code that does so in the host.
//
// First, memory: the host's share (Pss) before the first edge has come and after the last one.
// Then, with a job of --job-edges tasks in its first round: kill -9 of the cloud, a start, and the
// time until it listens and until every edge is welcomed. The round must be the same: no edge gets
// a second task, and the job ends with each round tried once.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <fstream>
#include <map>
#include <thread>
#include <zmq.hpp>

#include "core/base/crypto.hpp"
#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "core/engine/arrivals.hpp"
#include "core/engine/asio_loop.hpp"
#include "core/engine/cloud/nodes.hpp"
#include "core/engine/cloud/tables.hpp"
#include "core/engine/edge/engine.hpp"
#include "core/engine/edge/tables.hpp"
#include "core/engine/limits.hpp"
#include "core/tensor/safetensors.hpp"
#include "core/wire/bulk_client.hpp"
#include "core/wire/socket_thread.hpp"
#include "hosts/cli/admin/admin_client.hpp"

extern char** environ;

namespace skerry::engine {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kEdgesAProcess = 500;
constexpr int kEdgesAThread = 50;
constexpr int kMostEdges = 1 << 16;
constexpr auto kPatience = 120s;

struct Options {
  int edges = 2000;
  int job_edges = 1000;
  double down = 1;
  double within = 0;
  std::filesystem::path dir = "/tmp";
  // Of a process with edges.
  std::filesystem::path fleet;
  int first = 0, count = 0;
};

// Shared by all processes of a run. Times are of the monotonic clock, in nanoseconds.
struct Board {
  std::atomic<bool> let_go, stop;
  std::atomic<std::int64_t> welcomed[kMostEdges];  // last
  std::atomic<int> tasks[kMostEdges];              // that were begun
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

Board& board_at(const std::filesystem::path& fleet) {
  const auto fd = must(open_file(fleet / "board", O_RDWR | O_CREAT));
  if (::ftruncate(fd.get(), sizeof(Board)) != 0) die(errno_problem(errno, "size", "the board"));
  void* at = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (at == MAP_FAILED) die(errno_problem(errno, "map", "the board"));
  return *static_cast<Board*>(at);
}

std::string name_of(int edge) {
  return fmt::format("edge-{:05}", edge);
}

// ---- edges

class HeldTasks : public Workers {
 public:
  HeldTasks(Loop& loop, std::atomic<int>& begun) : loop_(loop), begun_(begun) {}
  void answer_to(Listener* listener) { listener_ = listener; }

  void run(wire::RunTask task) override {
    if (task.kind == "federated.init") {
      loop_.post([this, key = task.key] { finish(key, "model", first_model()); });
      return;
    }
    ++begun_;
    held_.push_back(std::move(task));
  }
  void cancel(const wire::TaskKey& key) override {
    std::erase_if(held_, [&](const auto& task) { return task.key == key; });
    wire::TaskDone done;
    done.key = key;
    done.code = "cancelled";
    loop_.post([this, done] { listener_->task_done(done); });
  }
  void decide(wire::DecideRequest) override {}
  void keep_only(const std::set<std::string>&) override {}
  void forget(const std::string& job) override {
    std::erase_if(held_, [&](const auto& task) { return task.key.job == job; });
  }

  void let_go() {
    for (const auto& task : std::exchange(held_, {})) {
      const auto& model = task.inputs.at(0);
      finish(task.key, "update", model.path.empty() ? model.data : must(read_file(model.path)));
    }
  }

 private:
  static std::string first_model() {
    const std::vector<float> values(256, 0.5f);
    std::vector<tensor::TensorSpec> specs{
        {"w", "F32", {static_cast<std::int64_t>(values.size())}, 0, 0}};
    std::string file = tensor::encode_header(specs);
    file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    return file;
  }

  void finish(const wire::TaskKey& key, const std::string& output, const std::string& bytes) {
    wire::TaskDone done;
    done.key = key;
    done.ok = true;
    done.result = R"({"samples":10})";
    done.outputs.push_back({output, digest_of(as_bytes(bytes)), bytes.size(), {}, bytes});
    listener_->task_done(std::move(done));
  }

  Loop& loop_;
  std::atomic<int>& begun_;
  Listener* listener_ = nullptr;
  std::vector<wire::RunTask> held_;
};

class Edge {
 public:
  Edge(const Options& options, int number, zmq::context_t& context, Loop& loop,
       wire::SocketThread& sockets, Board& board)
      : folder_(options.fleet / name_of(number)),
        key_(must(wire::KeyPair::load_or_create(folder_ / "edge.key"))),
        database_(must(store::Database::open(folder_ / "edge.db"))),
        blobs_(must(store::BlobStore::open(database_, folder_ / "blobs"))),
        workers_(loop, board.tasks[number]),
        engine_({.loop = loop,
                 .transport = sockets,
                 .workers = workers_,
                 .open_transfers =
                     [this, &context](const auto& cloud, const auto& endpoint) {
                       bulk_.reset();
                       bulk_ =
                           must(wire::BulkClient::start(context, endpoint, key_, cloud.server_key));
                       return bulk_.get();
                     },
                 .refused =
                     [](const auto& why) {
                       die({Code::permission_denied, why, {}, {}});
                     }},
                unit_, blobs_, edge::KeyRing(key_), folder_ / "downloads") {
    workers_.answer_to(&engine_);
    must(engine_.start({}, 0s));
  }

  int socket() const { return engine_.socket(); }
  void handle(Board& board, int number, const wire::Incoming& incoming) {
    const Unit::Scope scope(unit_);
    engine_.handle(incoming);
    const auto view = wire::check_frame(incoming.data, wire::kControlLimit);
    if (view && view->header.type == wire::Type::welcome) board.welcomed[number] = now_ns();
  }
  void let_go() { workers_.let_go(); }

 private:
  std::filesystem::path folder_;
  wire::KeyPair key_;
  store::Database database_;
  Unit unit_{database_};
  store::BlobStore blobs_;
  HeldTasks workers_;
  std::unique_ptr<wire::BulkClient> bulk_;
  edge::Engine engine_;
};

// A process with edges.
int run_edges(const Options& options) {
  raise_descriptor_limit();
  Board& board = board_at(options.fleet);
  boost::asio::io_context io;
  AsioLoop loop(io);
  zmq::context_t context;
  context.set(zmq::ctxopt::max_sockets, 32 * kEdgesAProcess);
  struct Group {
    std::unique_ptr<Arrivals> arrivals;
    std::unique_ptr<wire::SocketThread> sockets;
    std::map<int, std::pair<int, Edge*>> by_socket;
    std::vector<std::unique_ptr<Edge>> edges;
  };
  std::vector<std::unique_ptr<Group>> groups;
  for (int number = options.first; number < options.first + options.count; ++number) {
    if ((number - options.first) % kEdgesAThread == 0) {
      auto group = std::make_unique<Group>();
      group->arrivals = std::make_unique<Arrivals>(io, [&board, at = group.get()](auto batch) {
        for (const auto& incoming : batch) {
          const auto found = at->by_socket.find(incoming.socket);
          if (found != at->by_socket.end())
            found->second.second->handle(board, found->second.first, incoming);
        }
      });
      group->sockets = std::make_unique<wire::SocketThread>(
          context, [at = group->arrivals.get()](auto&& batch) { at->add(std::move(batch)); });
      groups.push_back(std::move(group));
    }
    Group& group = *groups.back();
    group.edges.push_back(
        std::make_unique<Edge>(options, number, context, loop, *group.sockets, board));
    group.by_socket[group.edges.back()->socket()] = {number, group.edges.back().get()};
    io.poll();
  }
  while (!board.stop && ::getppid() != 1) {
    io.run_for(50ms);
    if (board.let_go)
      for (auto& group : groups)
        for (auto& edge : group->edges) edge->let_go();
  }
  for (auto& group : groups) group->edges.clear();
  return 0;
}

// ---- the cloud

class Child {
 public:
  Child(std::vector<std::string> command, const std::filesystem::path& console) {
    std::vector<char*> pointers;
    for (auto& argument : command) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    for (const int fd : {1, 2})
      posix_spawn_file_actions_addopen(&files, fd, console.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                       0600);
    const int error =
        posix_spawn(&pid_, command[0].c_str(), &files, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0) die(errno_problem(error, "start", command[0]));
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ~Child() { kill(); }
  pid_t pid() const { return pid_; }
  void kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }

 private:
  pid_t pid_ = 0;
};

// In bytes.
std::uint64_t share_of_memory(pid_t pid) {
  std::ifstream rollup(fmt::format("/proc/{}/smaps_rollup", pid));
  std::string word;
  while (rollup >> word)
    if (word == "Pss:") {
      std::uint64_t kilobytes = 0;
      rollup >> kilobytes;
      return kilobytes << 10;
    }
  return 0;
}

bool listens(int port) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

int free_port() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    die(errno_problem(errno, "find", "a free port"));
  return ntohs(address.sin_port);
}

template <class Condition>
void await(const std::string& what, Condition condition) {
  const auto end = Clock::now() + kPatience;
  while (!condition()) {
    if (Clock::now() > end)
      die({Code::deadline_exceeded, "it does not come to this: " + what, {}, {}});
    std::this_thread::sleep_for(5ms);
  }
}

class Fleet {
 public:
  explicit Fleet(const Options& options)
      : options_(options),
        dir_(must(TempDir::create(options.dir, "fleet"))),
        edges_dir_(must(TempDir::create(
            std::filesystem::exists("/dev/shm") ? "/dev/shm" : options.dir, "fleet"))),
        board_(board_at(edges_dir_.path())),
        port_(free_port()) {}
  ~Fleet() { board_.stop = true; }

  void enrol(int edges) {
    const auto state = dir_.path() / "cloud";
    must(make_directories(state));
    const auto cloud_key = must(wire::KeyPair::load_or_create(state / "cloud.key"));
    auto database = must(store::Database::open(state / "cloud.db"));
    must(database.migrate(cloud::kMigrations));
    Unit unit(database);
    cloud::Nodes nodes(unit, [](auto) {});
    const Unit::Scope scope(unit);
    for (int number = 0; number < edges; ++number) {
      const std::string name = name_of(number);
      const auto folder = edges_dir_.path() / name;
      must(make_directories(folder / "downloads"));
      const auto key = must(wire::KeyPair::load_or_create(folder / "edge.key"));
      must(nodes.invite(name, endpoint(), cloud_key.public_key));
      must(nodes.join(name, key.public_key));
      auto record = must(store::Database::open(folder / "edge.db"));
      must(record.migrate(edge::kMigrations));
      for (const auto& [column, value] : {std::pair<std::string, std::string>{"node", name},
                                          {"endpoint", endpoint()},
                                          {"server_key", cloud_key.public_key}})
        must(must(record.prepare("INSERT INTO meta(key, value) VALUES(?, ?)"))
                 .bind(1, column)
                 .bind(2, value)
                 .run());
    }
  }

  void start_cloud() {
    client_.reset();
    cloud_.emplace(
        std::vector<std::string>{SKERRY_BIN "/skerry-cloud", "--state",
                                 (dir_.path() / "cloud").string(), "--listen", endpoint(),
                                 "--threads", "1", "--parent-pid", std::to_string(::getpid())},
        dir_.path() / "cloud.console");
  }
  void kill_cloud() { cloud_.reset(); }
  void await_cloud() {
    await("the cloud answers", [&] { return ask("ping", Json::object()).has_value(); });
  }
  std::uint64_t memory() const { return share_of_memory(cloud_->pid()); }
  bool accepting() const { return listens(port_); }

  void start_edges(int edges) {
    for (int first = started_; first < edges; first += kEdgesAProcess)
      processes_.emplace_back(
          std::vector<std::string>{std::filesystem::read_symlink("/proc/self/exe").string(),
                                   "--fleet", edges_dir_.path().string(), "--first",
                                   std::to_string(first), "--count",
                                   std::to_string(std::min(kEdgesAProcess, edges - first))},
          dir_.path() / "edges.console");
    started_ = edges;
  }
  // How many were welcomed since then.
  int welcomed(std::int64_t since) const {
    int count = 0;
    for (int edge = 0; edge < started_; ++edge) count += board_.welcomed[edge] > since ? 1 : 0;
    return count;
  }
  std::int64_t first_welcome(std::int64_t since) const {
    std::int64_t first = 0;
    for (int edge = 0; edge < started_; ++edge) {
      const std::int64_t at = board_.welcomed[edge];
      if (at > since && (first == 0 || at < first)) first = at;
    }
    return first;
  }
  int tasks() const {
    int count = 0;
    for (int edge = 0; edge < started_; ++edge) count += board_.tasks[edge];
    return count;
  }
  void let_go() { board_.let_go = true; }

  int online() {
    const auto reply = ask("get", {{"kind", "nodes"}});
    int count = 0;
    if (reply)
      for (const Json& node : reply->at("items")) count += node.at("state") == "online" ? 1 : 0;
    return count;
  }

  std::optional<Json> ask(const std::string& verb, const Json& body) {
    if (!client_) {
      auto client = cli::AdminClient::connect(dir_.path() / "cloud");
      if (!client) return std::nullopt;
      client_.emplace(std::move(*client));
    }
    auto reply = client_->call(verb, body, 5s);
    if (reply) return std::move(*reply);
    const Problem& problem = reply.error().front();
    if (problem.code != Code::unavailable && problem.code != Code::deadline_exceeded) die(problem);
    client_.reset();
    return std::nullopt;
  }

 private:
  std::string endpoint() const { return fmt::format("tcp://127.0.0.1:{}", port_); }

  const Options& options_;
  TempDir dir_, edges_dir_;
  Board& board_;
  int port_;
  std::optional<cli::AdminClient> client_;
  std::optional<Child> cloud_;
  std::vector<Child> processes_;
  int started_ = 0;
};

// ---- measurements

double seconds(std::int64_t from, std::int64_t to) {
  return 1e-9 * static_cast<double>(to - from);
}

void measure_memory(const Options& options) {
  Fleet fleet(options);
  fleet.enrol(options.edges);
  fleet.start_cloud();
  fleet.await_cloud();
  std::this_thread::sleep_for(1s);
  const std::uint64_t before = fleet.memory();
  const std::int64_t begin = now_ns();
  fleet.start_edges(options.edges);
  await("all edges are welcomed", [&] { return fleet.welcomed(begin) == options.edges; });
  const std::int64_t end = now_ns();
  std::this_thread::sleep_for(5s);  // pings
  const std::uint64_t after = fleet.memory();
  fmt::print(
      "memory: {:.1f} MB with {} nodes known, {:.1f} MB with all of them connected: {:.1f} KB "
      "an edge; all welcomed {:.1f} s after the start of their processes; {} "
      "online\n",
      1e-6 * static_cast<double>(before), options.edges, 1e-6 * static_cast<double>(after),
      static_cast<double>(after - before) / 1024 / options.edges, seconds(begin, end),
      fleet.online());
  std::fflush(stdout);
}

std::string job_text(int edges) {
  return fmt::format(
      "apiVersion: skerry.dev/v1alpha1\nkind: FederatedLearningJob\nmetadata: {{name: "
      "fleet}}\nspec:\n  pluginPath: [{}]\n  estimator: {{plugin: fixture-null, config: {{bytes: "
      "1024}}}}\n  dataset: {{plugin: fixture-null}}\n  aggregation: {{plugin: fedavg}}\n  rounds: "
      "1\n  nodes: {}\n  quorum: {}\n  deadline: 10m\n  evaluation: {{where: none}}\n",
      SKERRY_FIXTURES, edges, edges);
}

void measure_return(const Options& options) {
  const int edges = options.job_edges;
  Fleet fleet(options);
  fleet.enrol(edges);
  fleet.start_cloud();
  fleet.await_cloud();
  fleet.start_edges(edges);
  await("all edges are welcomed", [&] { return fleet.welcomed(0) == edges; });
  fleet.ask("apply", {{"text", job_text(edges)}, {"file", "/tmp/fleet.yaml"}, {"nodes", edges}});
  await("each edge has its task", [&] { return fleet.tasks() == edges; });
  std::this_thread::sleep_for(3s);

  fleet.kill_cloud();
  std::this_thread::sleep_for(std::chrono::duration<double>(options.down));
  const std::int64_t start = now_ns();
  fleet.start_cloud();
  await("the cloud accepts", [&] { return fleet.accepting(); });
  const std::int64_t accepting = now_ns();
  await("all edges are welcomed again", [&] { return fleet.welcomed(start) == edges; });
  const std::int64_t back = now_ns();
  fleet.await_cloud();
  const int online = fleet.online();
  fmt::print(
      "return of {} edges, the cloud down for {:.1f} s: accepting {:.2f} s after its start, first "
      "edge welcomed after {:.2f} s, all after {:.2f} s; {} online\n",
      edges, options.down, seconds(start, accepting), seconds(start, fleet.first_welcome(start)),
      seconds(start, back), online);
  std::fflush(stdout);

  if (options.within > 0 && (online != edges || seconds(start, back) > options.within))
    die({Code::deadline_exceeded, "not all edges were back in time", {}, {}});

  fleet.let_go();
  Json job;
  await("the job ends", [&] {
    const auto reply = fleet.ask("get", {{"kind", "jobs"}, {"name", "fleet"}});
    if (reply) job = reply->at("items").at(0);
    const std::string phase = job.is_null() ? "" : job.value("phase", "");
    return phase == "Succeeded" || phase == "Failed";
  });
  const Json whole = fleet.ask("describe", {{"kind", "job"}, {"name", "fleet"}}).value();
  const Json records = whole.value("records", Json::array());
  const bool same = job.value("phase", "") == "Succeeded" && fleet.tasks() == edges &&
                    records.size() == 1 && records[0].value("attempts", 0) == 1;
  fmt::print("  the job: {}; tasks that edges began: {}; attempts at the round: {}: {}\n",
             job.value("phase", ""), fleet.tasks(),
             records.empty() ? 0 : records[0].value("attempts", 0),
             same ? "the same round" : "NOT the same round");
  if (!same) die({Code::internal, "the round is not the same: " + dump_json(whole), {}, {}});
}

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures what many edges cost, and their return");
  app.add_option("--edges", options.edges, "how many, for the memory; 0: leave it out")
      ->check(CLI::Range(0, kMostEdges));
  app.add_option("--job-edges", options.job_edges, "how many come back; 0: leave it out")
      ->check(CLI::Range(0, kMostEdges));
  app.add_option("--down", options.down, "how long the cloud is down, in seconds");
  app.add_option("--within", options.within,
                 "seconds in which all must be back, or it is a failure; 0: no limit");
  app.add_option("--dir", options.dir, "where the cloud's state is");
  app.add_option("--fleet", options.fleet)->group("");
  app.add_option("--first", options.first)->group("");
  app.add_option("--count", options.count)->group("");
  CLI11_PARSE(app, argc, argv);
  must(init_sodium());
  if (!options.fleet.empty()) return run_edges(options);
  if (options.edges > 0) measure_memory(options);
  if (options.job_edges > 0) measure_return(options);
  return 0;
}

}  // namespace
}  // namespace skerry::engine

int main(int argc, char** argv) {
  return skerry::engine::main(argc, argv);
}
