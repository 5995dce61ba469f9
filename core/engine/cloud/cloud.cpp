#include "core/engine/cloud/cloud.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <regex>
#include <zmq.hpp>

#include "core/base/crypto.hpp"
#include "core/base/file.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/engine/arrivals.hpp"
#include "core/engine/asio_loop.hpp"
#include "core/engine/audit.hpp"
#include "core/engine/cloud/admin.hpp"
#include "core/engine/cloud/authorization.hpp"
#include "core/engine/cloud/backups.hpp"
#include "core/engine/cloud/engine.hpp"
#include "core/engine/cloud/host_counters.hpp"
#include "core/engine/cloud/submit.hpp"
#include "core/engine/cloud/tables.hpp"
#include "core/engine/cloud/views.hpp"
#include "core/engine/disk_guard.hpp"
#include "core/engine/limits.hpp"
#include "core/engine/plugin_paths.hpp"
#include "core/engine/worker_pool.hpp"
#include "core/runtime/process_launcher.hpp"
#include "core/serving/access.hpp"
#include "core/serving/cloud_relay.hpp"
#include "core/store/backup.hpp"
#include "core/store/state_lock.hpp"
#include "core/version.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/zap.hpp"

namespace skerry::engine::cloud {
namespace {

std::string meta(Unit& unit, const std::string& key) {
  auto select = unit.sql("SELECT value FROM meta WHERE key = ?");
  select.bind(1, key);
  return must(select.step()) ? select.column_text(0) : std::string();
}

void set_meta(Unit& unit, const std::string& key, const std::string& value) {
  const Unit::Scope scope(unit);
  must(unit.sql("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)")
           .bind(1, key)
           .bind(2, value)
           .run());
}

Status check_endpoint(const std::string& endpoint) {
  static const std::regex form(R"(tcp://[^\s]+:(\*|\d{1,5}))");
  if (endpoint.empty() || std::regex_match(endpoint, form)) return {};
  return fail(
      Code::invalid_argument,
      fmt::format("found \"{}\" as the address to listen at; it must be tcp://ADDRESS:PORT, as "
                  "tcp://0.0.0.0:7443 or, for any free port, tcp://127.0.0.1:*",
                  endpoint));
}

Status check_advertised(const std::string& host) {
  static const std::regex form(R"(([A-Za-z0-9._-]+)|(\[[0-9A-Fa-f:.]+\]))");
  if (host.empty() || std::regex_match(host, form)) return {};
  return fail(Code::invalid_argument,
              fmt::format("found \"{}\" as the host to advertise; it must be a name or an address "
                          "without scheme and port, as cloud.example.org or 192.0.2.7",
                          host));
}

// Nodes know a cloud by its key: a new one would lock out all that have joined.
Result<wire::KeyPair> key_of(const std::filesystem::path& file, store::Database& database) {
  std::error_code error;
  SKERRY_ASSIGN(const auto version, database.user_version());
  if (version == 0 || std::filesystem::exists(file, error))
    return wire::KeyPair::load_or_create(file);
  return fail(Code::failed_precondition,
              "this key is missing, and nodes that have joined know this cloud by it: restore a "
              "backup (`skerry restore`), or begin a new cloud with another --state, which the "
              "nodes must join anew",
              file.string());
}

constexpr auto kLookAtDisk = std::chrono::seconds(1);

std::string node_of(const std::string& user) {
  const auto caller = parse_user_id(user);
  return caller && caller->role == Role::node ? caller->name : std::string();
}

std::string without_port(const std::string& endpoint) {
  return endpoint.substr(0, endpoint.rfind(':'));
}
std::string port_of(const std::string& endpoint) {
  return endpoint.substr(endpoint.rfind(':') + 1);
}

}  // namespace

class Cloud::Impl : public Workers::Listener {
 public:
  Impl(const CloudOptions& options, store::StateLock lock, store::Database database,
       wire::KeyPair key, DiskGuard disk, const std::filesystem::path& worker_program)
      : options_(options),
        lock_(std::move(lock)),
        database_(std::move(database)),
        key_(std::move(key)),
        disk_(std::move(disk)),
        unit_(database_),
        quarantine_(unit_, "skerry plugin allow {}"),
        signals_(io_, SIGINT, SIGTERM),
        launcher_(worker_program) {}

  // What other threads still do for the parts ends before the parts do.
  ~Impl() override {
    bulk_.reset();
    backups_.reset();
    intake_loop_.join();
    loop_.join();
  }

  Status open();
  void run();

  // Workers::Listener
  void task_done(wire::TaskDone done) override { engine_->task_done(std::move(done)); }
  void task_progress(const wire::TaskProgress& progress) override {
    engine_->task_progress(progress);
  }
  void decided(wire::DecideReply reply) override { engine_->decided(std::move(reply)); }

 private:
  Status open_store();
  Status open_sockets();
  Status prove_strangers_stay_outside(const std::string& what, const std::string& endpoint);
  void build();
  std::string local_requests() const {
    return "ipc://" + (options_.state / "run" / "requests.sock").string();
  }
  // The relay is there before any worker is.
  WorkerPool::Relay relay_to(const std::string& endpoint);
  Status open_relay(const std::function<void(const wire::Refusal&)>& strangers);
  void receive(const std::vector<wire::Incoming>& messages);
  void watch_disk();
  std::string advertised(const std::string& bound) const;
  // The ZAP handler refused a key; it tells of each address once a minute.
  void stranger(const wire::Refusal& refusal);
  void tell_of_strangers(const wire::Refusal& refusal);  // any thread
  void publish(std::map<std::string, std::string> keys);
  Result<std::string> bind_again(
      const std::string& wanted, const std::string& meta_key,
      const std::function<Result<std::string>(const std::string&)>& bind);

  CloudOptions options_;
  store::StateLock lock_;
  store::Database database_;
  wire::KeyPair key_;
  DiskGuard disk_;
  Unit unit_;
  Quarantine quarantine_;
  boost::asio::io_context io_;
  AsioLoop loop_{io_};
  AsioLoop intake_loop_{io_};  // with a thread aside for what comes with jobs
  boost::asio::signal_set signals_;
  std::optional<store::BlobStore> blobs_;
  runtime::ProcessLauncher launcher_;
  zmq::context_t context_{wire::kIoThreads};
  std::unique_ptr<wire::ZapHandler> zap_;
  Arrivals arrivals_{io_, [this](const auto& messages) { receive(messages); }};
  std::unique_ptr<wire::SocketThread> sockets_;
  serving::Access access_;
  std::unique_ptr<serving::CloudRelay> relay_;
  std::unique_ptr<WorkerPool> workers_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Submit> submit_;
  std::unique_ptr<Views> views_;
  std::unique_ptr<Backups> backups_;
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<wire::BulkServer> bulk_;
  std::map<std::string, std::string> published_;  // keys that are let in, and as whom
  std::unique_ptr<Loop::Alarm> disk_alarm_;
  int control_socket_ = -1;
};

Status Cloud::Impl::open_store() {
  SKERRY_TRY(database_.migrate(kMigrations));
  SKERRY_ASSIGN(blobs_, store::BlobStore::open(database_, options_.state / "blobs"));
  SKERRY_TRY(make_directories(options_.state / "uploads"));
  must(blobs_->sweep());  // files of a crash between their rename and their row
  if (meta(unit_, "epoch").empty()) {
    SKERRY_ASSIGN(const auto random, wire::KeyPair::generate());
    const std::string epoch = digest_of(as_bytes(random.public_key)).hex().substr(0, 32);
    const Unit::Scope scope(unit_);
    set_meta(unit_, "epoch", epoch);
    audit(unit_, kActorCloud, "epoch.begun", epoch);
  }
  return {};
}

void Cloud::Impl::build() {
  sockets_ = std::make_unique<wire::SocketThread>(
      context_, [this](wire::SocketThread::Batch&& batch) { arrivals_.add(std::move(batch)); });
  limit_workers(options_.workers, launcher_);
  quarantine_.on_quarantine([this](const Quarantine::Entry& entry) {
    audit(unit_, kActorCloud, "plugin.quarantined", entry.digest, to_json(entry));
  });
  WorkerPool::Options pool{.run_dir = options_.state / "run",
                           .output_dir = blobs_->staging_dir(),
                           .log_dir = options_.state / "log",
                           .plugin_dir = options_.state / "plugins",
                           .threads = options_.threads,
                           .quarantine = &quarantine_,
                           .relay = relay_to(local_requests())};
  apply_settings(options_.workers, options_.state,
                 {options_.state / "blobs", options_.state / "plugins"}, pool);
  workers_ = std::make_unique<WorkerPool>(io_, *sockets_, launcher_, pool, *this);
  engine_ = std::make_unique<Engine>(
      Engine::World{.loop = loop_,
                    .transport = *sockets_,
                    .workers = *workers_,
                    .publish_keys = [this](auto keys) { publish(std::move(keys)); },
                    .disk = &disk_,
                    .publish_access = [this](const auto& access) { access_.replace(access); }},
      unit_, *blobs_, options_.state / "uploads");
  submit_ = std::make_unique<Submit>(intake_loop_, unit_, *blobs_, engine_->machine(),
                                     engine_->peers(), quarantine_);
  views_ = std::make_unique<Views>(unit_, engine_->machine(), engine_->nodes(), engine_->peers(),
                                   *blobs_);
  backups_ = std::make_unique<Backups>(
      loop_, unit_, *blobs_,
      Backups::Options{
          .state = options_.state, .public_key = key_.public_key, .keep_free = disk_.low_mark()});
  admin_ =
      std::make_unique<Admin>(io_, unit_, *sockets_, engine_->machine(), engine_->nodes(),
                              engine_->peers(), *submit_, *views_, *blobs_, quarantine_, *backups_);
  submit_->watch(&disk_);
  views_->watch(&disk_);
  disk_.on_change([this] { engine_->disk_changed(); });
  unit_.before_commit([this] { disk_.make_room(); });
  watch_disk();
  engine_->machine().on_change([this](Job& job) { admin_->job_changed(job); });
}

WorkerPool::Relay Cloud::Impl::relay_to(const std::string& endpoint) {
  return {.endpoint = endpoint,
          .reserve = [this](serving::Place place) { return relay_->reserve(std::move(place)); },
          .release = [this](std::uint64_t ticket) { relay_->release(ticket); }};
}

Status Cloud::Impl::open_relay(const std::function<void(const wire::Refusal&)>& strangers) {
  const std::string listen = options_.request_listen.empty() ? without_port(options_.listen) + ":*"
                                                             : options_.request_listen;
  SKERRY_TRY(
      bind_again(listen, "requests", [&](const std::string& endpoint) -> Result<std::string> {
        SKERRY_ASSIGN(relay_, serving::CloudRelay::start(context_,
                                                         {.local = local_requests(),
                                                          .endpoint = endpoint,
                                                          .key = key_,
                                                          .node_of = node_of,
                                                          .on_refused = strangers},
                                                         access_));
        return relay_->endpoint();
      }));
  return prove_strangers_stay_outside("requests", relay_->endpoint());
}

// A port of "*" is the one of the last run when it is free: edges remember it.
Result<std::string> Cloud::Impl::bind_again(
    const std::string& wanted, const std::string& meta_key,
    const std::function<Result<std::string>(const std::string&)>& bind) {
  const std::string last = meta(unit_, meta_key);
  if (wanted.ends_with(":*") && !last.empty() && without_port(last) == without_port(wanted)) {
    if (auto bound = bind(last)) return bound;
    log_warn(fmt::format("{} is taken; edges that joined at it need a new address", last));
  }
  SKERRY_ASSIGN(std::string bound, bind(wanted));
  set_meta(unit_, meta_key, bound);
  return bound;
}

std::string Cloud::Impl::advertised(const std::string& bound) const {
  if (options_.advertise.empty()) return bound;
  return "tcp://" + options_.advertise + ":" + port_of(bound);
}

// Nobody is let in yet: the keys that are known are published after all sockets were tried.
Status Cloud::Impl::prove_strangers_stay_outside(const std::string& what,
                                                 const std::string& endpoint) {
  SKERRY_TRY(wire::prove_strangers_are_refused(context_, endpoint, key_.public_key));
  log_info(fmt::format("unknown keys are refused at {} ({})", endpoint, what));
  return {};
}

Status Cloud::Impl::open_sockets() {
  const auto strangers = [this](const wire::Refusal& refusal) { tell_of_strangers(refusal); };
  SKERRY_TRY(workers_->open());
  SKERRY_ASSIGN(
      const std::string control,
      bind_again(
          options_.listen, "control", [&](const std::string& endpoint) -> Result<std::string> {
            SKERRY_ASSIGN(auto bound, sockets_->bind_router({.endpoint = endpoint,
                                                             .curve = key_,
                                                             .max_message = wire::kControlLimit,
                                                             .on_refused = strangers}));
            control_socket_ = bound.first;
            return bound.second;
          }));
  SKERRY_TRY(prove_strangers_stay_outside("control", control));
  const std::string bulk_listen =
      options_.bulk_listen.empty() ? without_port(options_.listen) + ":*" : options_.bulk_listen;
  SKERRY_TRY(
      bind_again(bulk_listen, "bulk", [&](const std::string& endpoint) -> Result<std::string> {
        SKERRY_ASSIGN(bulk_, wire::BulkServer::start(context_, endpoint, key_,
                                                     engine_->blob_access(), strangers));
        return bulk_->endpoint();
      }));
  SKERRY_TRY(prove_strangers_stay_outside("bulk", bulk_->endpoint()));
  SKERRY_ASSIGN(
      const auto local,
      sockets_->bind_router({.endpoint = "ipc://" + (options_.state / "admin.sock").string(),
                             .curve = {},
                             .max_message = wire::kLocalLimit}));
  Admin::Sockets admin{.local = local.first};
  std::string admin_endpoint;
  if (!options_.admin_listen.empty()) {
    SKERRY_ASSIGN(admin_endpoint,
                  bind_again(options_.admin_listen, "admin",
                             [&](const std::string& endpoint) -> Result<std::string> {
                               SKERRY_ASSIGN(auto bound, sockets_->bind_router(
                                                             {.endpoint = endpoint,
                                                              .curve = key_,
                                                              .max_message = wire::kAdminLimit,
                                                              .max_answer = wire::kLocalLimit,
                                                              .on_refused = strangers}));
                               admin.remote = bound.first;
                               return bound.second;
                             }));
    SKERRY_TRY(prove_strangers_stay_outside("admin", admin_endpoint));
    log_info(fmt::format("listening for admin keys at {}", admin_endpoint));
    admin_endpoint = advertised(admin_endpoint);
  }
  SKERRY_TRY(open_relay(strangers));
  zap_->tell(true);
  admin_->show([this] {
    return host_counters(*sockets_, *bulk_, *zap_, engine_->peers(), engine_->collector());
  });
  const auto bulk_port = static_cast<std::uint32_t>(bulk_->port());
  admin_->start(admin,
                {.endpoint = advertised(control),
                 .bulk_port = bulk_port,
                 .public_key = key_.public_key,
                 .admin_endpoint = admin_endpoint},
                options_.state / "log", [this] { io_.stop(); });
  audit(unit_, kActorCloud, "host.started", "cloud",
        {{"version", kVersion},
         {"epoch", meta(unit_, "epoch")},
         {"endpoint", control},
         {"key", wire::key_fingerprint(key_.public_key)}});
  engine_->start(control_socket_, {.epoch = meta(unit_, "epoch"),
                                   .bulk_port = bulk_port,
                                   .request_port = static_cast<std::uint32_t>(relay_->port())});
  log_info(fmt::format("listening at {} (bulk port {}, request port {})", control, bulk_port,
                       relay_->port()));
  return {};
}

Status Cloud::Impl::open() {
  SKERRY_TRY(open_store());
  SKERRY_ASSIGN(zap_, wire::ZapHandler::start(context_, [this](const wire::Refusal& refusal) {
                  tell_of_strangers(refusal);
                }));
  zap_->tell(false);  // until it is proved that strangers are refused
  build();
  return open_sockets();
}

// Connections of keys that are not let in any more end.
void Cloud::Impl::publish(std::map<std::string, std::string> keys) {
  zap_->set_keys(keys);
  for (const auto& [key, user] : published_) {
    if (keys.contains(key)) continue;
    sockets_->turn_out(user);
    if (bulk_) bulk_->turn_out(user);
    if (relay_) relay_->turn_out(user);
  }
  published_ = std::move(keys);
}

void Cloud::Impl::tell_of_strangers(const wire::Refusal& refusal) {
  boost::asio::post(io_, [this, refusal] { stranger(refusal); });
}

void Cloud::Impl::stranger(const wire::Refusal& refusal) {
  Json details{{"reason", refusal.reason}, {"tries", refusal.count}};
  if (!refusal.public_key.empty()) details["key"] = wire::key_fingerprint(refusal.public_key);
  log_warn(fmt::format("refused a connection from {}: {} ({} tries)", refusal.address,
                       refusal.reason, refusal.count));
  audit(unit_, "stranger:" + refusal.address, "stranger.refused", refusal.address, details);
}

void Cloud::Impl::watch_disk() {
  disk_alarm_ = loop_.after(kLookAtDisk, [this] {
    disk_.look();
    watch_disk();
  });
}

void Cloud::Impl::receive(const std::vector<wire::Incoming>& messages) {
  const Unit::Scope scope(unit_);  // one commit for all that arrived together
  for (const auto& incoming : messages) {
    if (incoming.socket == workers_->socket()) {
      workers_->handle(incoming);
    } else if (incoming.socket == control_socket_) {
      engine_->handle(incoming);
    } else if (admin_->owns(incoming.socket)) {
      admin_->handle(incoming);
    }
  }
}

void Cloud::Impl::run() {
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) io_.stop();
  });
  io_.run();
  log_info("ending");
  workers_->stop_all();
  audit(unit_, kActorCloud, "host.stopped", "cloud");
}

Result<std::unique_ptr<Cloud>> Cloud::open(const CloudOptions& options) {
  for (const std::string& endpoint :
       {options.listen, options.bulk_listen, options.request_listen, options.admin_listen})
    SKERRY_TRY(check_endpoint(endpoint));
  SKERRY_TRY(check_advertised(options.advertise));
  SKERRY_TRY(init_sodium());
  on_sync_failure([](const Problem& problem) { die(problem); });
  raise_descriptor_limit();
  SKERRY_ASSIGN(auto lock, store::StateLock::acquire(options.state));
  SKERRY_TRY(store::expect_restored(options.state));
  SKERRY_TRY(make_directories(options.state / "log"));
  SKERRY_TRY(init_log({.name = "cloud", .file = options.state / "log" / "host.log"}));
  add_plugin_paths(options.plugin_paths);
  SKERRY_TRY(use_allow_list(options.workers.allow_list));
  // Before the database, which may need the reserve.
  DiskGuard disk({.directory = options.state, .low = options.min_free});
  SKERRY_ASSIGN(auto database, store::Database::open(options.state / "cloud.db"));
  SKERRY_ASSIGN(auto key, key_of(options.state / "cloud.key", database));
  SKERRY_ASSIGN(const auto worker, runtime::worker_beside_this_program());
  auto impl = std::make_unique<Impl>(options, std::move(lock), std::move(database), std::move(key),
                                     std::move(disk), worker);
  SKERRY_TRY(impl->open());
  return std::unique_ptr<Cloud>(new Cloud(std::move(impl)));
}

Cloud::Cloud(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cloud::~Cloud() = default;
void Cloud::run() {
  impl_->run();
}

}  // namespace skerry::engine::cloud
