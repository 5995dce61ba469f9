#include "core/engine/edge/edge.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <zmq.hpp>

#include "core/base/crypto.hpp"
#include "core/base/file.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/engine/arrivals.hpp"
#include "core/engine/asio_loop.hpp"
#include "core/engine/disk_guard.hpp"
#include "core/engine/edge/engine.hpp"
#include "core/engine/edge/tables.hpp"
#include "core/engine/limits.hpp"
#include "core/engine/plugin_paths.hpp"
#include "core/engine/worker_pool.hpp"
#include "core/runtime/process_launcher.hpp"
#include "core/serving/edge_relay.hpp"
#include "core/store/state_lock.hpp"
#include "core/wire/bulk_client.hpp"

namespace skerry::engine::edge {
namespace {

// For the last message to leave.
constexpr auto kFarewell = std::chrono::milliseconds(50);
constexpr auto kLookAtDisk = std::chrono::seconds(1);

}  // namespace

class Edge::Impl : public Workers::Listener {
 public:
  Impl(const EdgeOptions& options, store::StateLock lock, store::Database database, KeyRing keys,
       DiskGuard disk, const std::filesystem::path& worker_program)
      : options_(options),
        lock_(std::move(lock)),
        database_(std::move(database)),
        keys_(std::move(keys)),
        disk_(std::move(disk)),
        unit_(database_),
        quarantine_(unit_, "skerry-edge --allow-plugin {} (at its next start)"),
        signals_(io_, SIGINT, SIGTERM),
        launcher_(worker_program) {}

  // What other threads still do for the parts ends before the parts do.
  ~Impl() override {
    bulk_.reset();
    loop_.join();
  }

  Status open();
  Status run();

  // Workers::Listener
  void task_done(wire::TaskDone done) override { engine_->task_done(std::move(done)); }
  void task_progress(const wire::TaskProgress& progress) override {
    engine_->task_progress(progress);
  }
  void decided(wire::DecideReply reply) override { engine_->decided(std::move(reply)); }

 private:
  wire::BlobTransfers* open_transfers(const Link::Cloud& cloud, const std::string& endpoint);
  WorkerPool::Relay relay_to(const std::string& endpoint);
  void receive(const std::vector<wire::Incoming>& messages);
  void watch_disk();

  EdgeOptions options_;
  store::StateLock lock_;
  store::Database database_;
  KeyRing keys_;
  DiskGuard disk_;
  Unit unit_;
  Quarantine quarantine_;
  boost::asio::io_context io_;
  AsioLoop loop_{io_};
  boost::asio::signal_set signals_;
  std::optional<store::BlobStore> blobs_;
  runtime::ProcessLauncher launcher_;
  zmq::context_t context_{wire::kIoThreads};
  Arrivals arrivals_{io_, [this](const auto& messages) { receive(messages); }};
  std::unique_ptr<wire::SocketThread> sockets_;
  std::unique_ptr<serving::EdgeRelay> relay_;
  std::unique_ptr<HttpFront> http_;
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<wire::BulkClient> bulk_;
  std::unique_ptr<Loop::Alarm> farewell_;
  std::unique_ptr<Loop::Alarm> disk_alarm_;
  std::string refusal_;
};

Status Edge::Impl::open() {
  SKERRY_TRY(database_.migrate(kMigrations));
  SKERRY_ASSIGN(blobs_, store::BlobStore::open(database_, options_.state / "blobs"));
  must(blobs_->sweep());  // files of a crash between their rename and their row
  SKERRY_TRY(make_directories(options_.state / "downloads"));
  sockets_ = std::make_unique<wire::SocketThread>(
      context_, [this](wire::SocketThread::Batch&& batch) { arrivals_.add(std::move(batch)); });
  SKERRY_TRY(make_directories(options_.state / "run"));
  const std::string requests = "ipc://" + (options_.state / "run" / "requests.sock").string();
  SKERRY_ASSIGN(relay_, serving::EdgeRelay::start(context_, requests));
  if (!options_.http.listen.empty()) {
    SKERRY_ASSIGN(http_, HttpFront::start(options_.http, requests, *relay_));
    log_info(
        fmt::format("services are asked over HTTP at http://{}/v1/services", http_->address()));
    SKERRY_TRY(write_file_durably(options_.state / "run" / "http", http_->address() + "\n"));
  }
  limit_workers(options_.workers, launcher_);
  WorkerPool::Options pool{.run_dir = options_.state / "run",
                           .output_dir = blobs_->staging_dir(),
                           .log_dir = options_.state / "log",
                           .plugin_dir = options_.state / "plugins",
                           .threads = options_.threads,
                           .quarantine = &quarantine_,
                           .relay = relay_to(requests)};
  apply_settings(options_.workers, options_.state,
                 {options_.state / "blobs", options_.state / "plugins"}, pool);
  workers_ = std::make_unique<WorkerPool>(io_, *sockets_, launcher_, pool, *this);
  engine_ = std::make_unique<Engine>(
      Engine::World{.loop = loop_,
                    .transport = *sockets_,
                    .workers = *workers_,
                    .open_transfers =
                        [this](const auto& cloud, const auto& endpoint) {
                          return open_transfers(cloud, endpoint);
                        },
                    .refused =
                        [this](const std::string& message) {
                          refusal_ = message;
                          io_.stop();
                        },
                    .disk = &disk_,
                    .open_requests =
                        [this](const auto& cloud, const auto& endpoint) {
                          relay_->connect(endpoint, engine_->key(), cloud.server_key);
                        }},
      unit_, *blobs_, std::move(keys_), options_.state / "downloads");
  disk_.on_change([this] { engine_->disk_changed(); });
  unit_.before_commit([this] { disk_.make_room(); });
  watch_disk();
  SKERRY_TRY(workers_->open());
  for (const std::string& digest : options_.allowed)
    if (const auto lifted = quarantine_.allow(digest); !lifted)
      log_warn("--allow-plugin: " + lifted.error().text());
  std::optional<wire::JoinToken> token;
  if (!options_.token.empty()) {
    SKERRY_ASSIGN(token, wire::JoinToken::parse(options_.token));
  }
  if (options_.rotate_key) SKERRY_TRY(engine_->renew_key());
  return engine_->start(token, options_.give_up_after);
}

WorkerPool::Relay Edge::Impl::relay_to(const std::string& endpoint) {
  return {.endpoint = endpoint,
          .reserve = [this](serving::Place place) { return relay_->reserve(std::move(place)); },
          .release = [this](std::uint64_t ticket) { relay_->release(ticket); }};
}

wire::BlobTransfers* Edge::Impl::open_transfers(const Link::Cloud& cloud,
                                                const std::string& endpoint) {
  bulk_.reset();
  bulk_ = must(wire::BulkClient::start(context_, endpoint, engine_->key(), cloud.server_key));
  return bulk_.get();
}

void Edge::Impl::watch_disk() {
  disk_alarm_ = loop_.after(kLookAtDisk, [this] {
    disk_.look();
    watch_disk();
  });
}

void Edge::Impl::receive(const std::vector<wire::Incoming>& messages) {
  const Unit::Scope scope(unit_);  // one commit for all that arrived together
  for (const auto& incoming : messages) {
    if (incoming.socket == workers_->socket()) {
      workers_->handle(incoming);
    } else if (incoming.socket == engine_->socket()) {
      engine_->handle(incoming);
    }
  }
}

Status Edge::Impl::run() {
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    engine_->leave();
    farewell_ = loop_.after(kFarewell, [this] { io_.stop(); });
  });
  io_.run();
  log_info("ending");
  workers_->stop_all();
  if (!refusal_.empty()) return fail(Code::permission_denied, refusal_);
  return {};
}

Result<std::unique_ptr<Edge>> Edge::open(const EdgeOptions& given) {
  SKERRY_TRY(init_sodium());
  EdgeOptions options = given;
  SKERRY_TRY(check_writable(options.workers.writable, options.state));
  on_sync_failure([](const Problem& problem) { die(problem); });
  raise_descriptor_limit();
  SKERRY_ASSIGN(auto lock, store::StateLock::acquire(options.state));
  SKERRY_TRY(make_directories(options.state / "log"));
  SKERRY_TRY(init_log({.name = "edge", .file = options.state / "log" / "host.log"}));
  add_plugin_paths(options.plugin_paths);
  SKERRY_TRY(use_allow_list(options.workers.allow_list));
  SKERRY_ASSIGN(auto keys, KeyRing::open(options.state / "edge.key"));
  // Before the database, which may need the reserve.
  DiskGuard disk({.directory = options.state, .low = options.min_free});
  SKERRY_ASSIGN(auto database, store::Database::open(options.state / "edge.db"));
  SKERRY_ASSIGN(const auto worker, runtime::worker_beside_this_program());
  auto impl = std::make_unique<Impl>(options, std::move(lock), std::move(database), std::move(keys),
                                     std::move(disk), worker);
  SKERRY_TRY(impl->open());
  return std::unique_ptr<Edge>(new Edge(std::move(impl)));
}

Edge::Edge(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Edge::~Edge() = default;
Status Edge::run() {
  return impl_->run();
}

}  // namespace skerry::engine::edge
