#include "core/engine/cloud/admin.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/file.hpp"
#include "core/base/log.hpp"
#include "core/base/suggest.hpp"
#include "core/base/try.hpp"
#include "core/engine/audit.hpp"
#include "core/engine/cloud/admin_bodies.hpp"
#include "core/engine/wall_clock.hpp"
#include "core/engine/worker_log.hpp"
#include "core/version.hpp"
#include "core/wire/envelope.hpp"
#include "core/wire/names.hpp"

namespace skerry::engine::cloud {
namespace {

constexpr std::int64_t kMaxWaitMs = 60'000;
constexpr std::size_t kMaxWatches = 1000;
constexpr std::size_t kMaxRefusal = 1000;  // characters
constexpr std::size_t kLogTail = 64 * 1024;
constexpr std::int64_t kAuditPage = 200;
constexpr std::int64_t kMaxTokenLife = std::int64_t{10} * 365 * 24 * 3600;  // seconds

tl::unexpected<std::vector<Problem>> refuse(Code code, std::string message,
                                            std::string field = {}) {
  return tl::unexpected(
      std::vector<Problem>{Problem{code, std::move(message), {}, std::move(field)}});
}
tl::unexpected<std::vector<Problem>> refuse(Problem problem) {
  return tl::unexpected(std::vector<Problem>{std::move(problem)});
}

}  // namespace

Admin::Admin(boost::asio::io_context& io, Unit& unit, wire::SocketThread& sockets, Machine& machine,
             Nodes& nodes, Peers& peers, Submit& submit, Views& views, store::BlobStore& blobs,
             Quarantine& quarantine, Backups& backups)
    : io_(io),
      unit_(unit),
      sockets_(sockets),
      machine_(machine),
      nodes_(nodes),
      peers_(peers),
      submit_(submit),
      views_(views),
      blobs_(blobs),
      quarantine_(quarantine),
      backups_(backups),
      admin_keys_(unit, nodes) {}

void Admin::start(Sockets sockets, Identity identity, std::filesystem::path log_dir,
                  std::function<void()> on_shutdown) {
  own_ = sockets;
  identity_ = std::move(identity);
  log_dir_ = std::move(log_dir);
  on_shutdown_ = std::move(on_shutdown);
  started_ = wall_clock_text();
  began_ = std::chrono::steady_clock::now();
}

void Admin::reply(const Asker& asker, const Answer& answer) {
  wire::AdminReply reply;
  reply.id = asker.id;
  reply.ok = answer.has_value();
  Json body;
  if (answer) {
    body = *answer;
  } else {
    for (const Problem& problem : answer.error()) {
      body["problems"].push_back({{"code", code_name(problem.code)},
                                  {"where", problem.where},
                                  {"field", problem.field},
                                  {"message", problem.message}});
    }
  }
  reply.body = dump_json(body);
  const Unit::Scope scope(unit_);  // what was done is durable before anybody hears of it
  unit_.after_commit([this, asker, frame = wire::frame(0, 0, 0, reply)] {
    sockets_.send(asker.socket, asker.address, frame);
  });
}

// Over the network it is the key that tells; the local socket lets only the host's user in.
std::optional<Caller> Admin::caller_of(const wire::Incoming& incoming) const {
  if (incoming.socket == own_.local) return Caller{Role::operator_, {}};
  return parse_user_id(incoming.user);
}

// What a caller may not do, or is no question: told to people now and then, however often it comes.
void Admin::note_refusal(const Caller& caller, const std::string& what) {
  const std::string actor = caller.actor();
  const auto left_out = refusals_.admit(actor, AuditLimit::Clock::now());
  if (!left_out) return;
  const std::string shown = what.substr(0, kMaxRefusal);
  log_warn(fmt::format("{}: a question is refused: {}", actor, shown));
  audit(unit_, actor, "admin.refused", actor, {{"message", shown}, {"leftOut", *left_out}});
}

Result<wire::AdminRequest> Admin::request_in(const wire::Incoming& incoming) {
  SKERRY_ASSIGN(const auto frame, wire::parse_frame(incoming.data, wire::kLocalLimit));
  if (frame.header.type != wire::Type::admin_request)
    return fail(Code::invalid_argument, "an admin socket takes questions only");
  return wire::decode<wire::AdminRequest>(frame.payload());
}

void Admin::handle(const wire::Incoming& incoming) {
  const auto caller = caller_of(incoming);
  if (!caller) return;  // cannot be: ZAP lets nobody else in
  const auto request = request_in(incoming);
  if (!request) return note_refusal(*caller, request.error().text());
  const Asker asker{incoming.socket, incoming.peer, request->id};
  if (const auto may = authorize(unit_, *caller, request->verb); !may) {
    note_refusal(*caller, may.error().message);
    return reply(asker, refuse(may.error()));
  }
  const auto body = parse_json(request->body);
  if (!body) return reply(asker, refuse(body.error()));
  if (const auto whole = check_body(request->verb, *body); !whole)
    return reply(asker, refuse(whole.error()));
  if (request->verb == "watch") return watch(asker, *body);
  if (request->verb == "apply") return apply(asker, *caller, *body);
  actor_ = caller->actor();
  if (request->verb == "backup") return backup(asker, *body);
  const Unit::Scope scope(unit_);  // what is done and its entry in the audit log
  reply(asker, dispatch(request->verb, *body));
}

Admin::Answer Admin::dispatch(const std::string& verb, const Json& body) {
  static const std::map<std::string, Verb> verbs{{"ping", &Admin::ping},
                                                 {"status", &Admin::status},
                                                 {"node.token", &Admin::node_token},
                                                 {"node.ls", &Admin::node_list},
                                                 {"node.revoke", &Admin::node_revoke},
                                                 {"node.rotate", &Admin::node_rotate},
                                                 {"get", &Admin::get},
                                                 {"describe", &Admin::describe},
                                                 {"logs", &Admin::logs},
                                                 {"signal", &Admin::signal},
                                                 {"model.export", &Admin::model_export},
                                                 {"delete", &Admin::remove},
                                                 {"shutdown", &Admin::shutdown},
                                                 {"plugin.allow", &Admin::plugin_allow},
                                                 {"plugin.quarantined", &Admin::plugin_quarantined},
                                                 {"audit.ls", &Admin::audit_list},
                                                 {"audit.head", &Admin::audit_head},
                                                 {"admin.key", &Admin::admin_key},
                                                 {"admin.ls", &Admin::admin_list},
                                                 {"admin.revoke", &Admin::admin_revoke}};
  const auto it = verbs.find(verb);
  if (it == verbs.end())
    return refuse(Code::invalid_argument, fmt::format("unknown verb `{}`", verb));
  return (this->*it->second)(body);
}

Admin::Answer Admin::ping(const Json&) {
  return Json{
      {"version", kVersion},
      {"pid", ::getpid()},
      {"endpoint", identity_.endpoint},
      {"bulkPort", identity_.bulk_port},
      {"nodes", {{"online", peers_.online_nodes().size()}, {"total", nodes_.list().size()}}}};
}

Admin::Answer Admin::node_token(const Json& body) {
  const std::string name = body.at("name").get<std::string>();
  if (!wire::is_node_name(name) || name == kCloudNode) {
    return refuse(Code::invalid_argument,
                  fmt::format("found \"{}\"; a node's name has 1 to 63 lower-case letters, digits "
                              "and '-', starts and "
                              "ends with a letter or digit, and is not \"{}\"",
                              name, kCloudNode),
                  "name");
  }
  const std::chrono::seconds life(
      std::clamp<std::int64_t>(body.value("seconds", Nodes::kTokenLife.count()), 1, kMaxTokenLife));
  const std::string endpoint = body.value("endpoint", identity_.endpoint);
  if (!wire::is_tcp_endpoint(endpoint))
    return refuse(
        Code::invalid_argument,
        fmt::format("found \"{}\" as the address that the node is to connect to; it must be "
                    "tcp://HOST:PORT, the port that of --listen",
                    endpoint),
        "endpoint");
  const bool replaces = nodes_.is_invited(name);
  const auto token = nodes_.invite(name, endpoint, identity_.public_key, life);
  if (!token) return refuse(token.error());
  audit(unit_, actor_, "node.token", name,
        {{"key", wire::key_fingerprint(must(wire::KeyPair::public_of(token->secret_key)))},
         {"seconds", life.count()}});
  return Json{{"name", name}, {"token", token->text()}, {"replaces", replaces}};
}

Admin::Answer Admin::node_list(const Json&) {
  return Json{{"nodes", views_.nodes()}};
}

Admin::Answer Admin::node_revoke(const Json& body) {
  const std::string name = body.at("name").get<std::string>();
  if (const auto revoked = nodes_.revoke(name); !revoked) return refuse(revoked.error());
  audit(unit_, actor_, "node.revoked", name);
  peers_.drop(name, "revoked",
              fmt::format("node `{}` was revoked by an operator of the cloud", name));
  return Json::object();
}

Admin::Answer Admin::node_rotate(const Json& body) {
  const std::string name = body.at("name").get<std::string>();
  if (nodes_.is_invited(name)) {
    return refuse(Code::failed_precondition,
                  fmt::format("node `{}` has not joined yet, and makes its key when it does; for "
                              "another token: `skerry node token {}`",
                              name, name));
  }
  if (!is_active_node(unit_, name)) {
    return refuse(Code::not_found,
                  fmt::format("there is no node `{}`, or it was revoked; `skerry get nodes` lists "
                              "those that there are",
                              name));
  }
  audit(unit_, actor_, "node.rotate", name);
  peers_.send(name, wire::RenewKey{"an operator of the cloud wants it"});
  return Json::object();
}

Admin::Answer Admin::get(const Json& body) {
  const auto items = views_.list(body.at("kind").get<std::string>(), body.value("name", ""));
  if (!items) return refuse(items.error());
  return Json{{"items", *items}, {"conditions", views_.conditions()}};
}

Admin::Answer Admin::describe(const Json& body) {
  const auto item =
      views_.describe(body.at("kind").get<std::string>(), body.at("name").get<std::string>());
  if (!item) return refuse(item.error());
  return *item;
}

tl::expected<Job*, std::vector<Problem>> Admin::job_named(const Json& body, const char* key) {
  const std::string name = body.at(key).get<std::string>();
  if (Job* job = machine_.find(name)) return job;
  std::vector<std::string> names;
  for (const auto& [known, job] : machine_.jobs()) names.push_back(known);
  const auto near = closest(name, names);
  return refuse(Code::not_found,
                fmt::format("there is no job `{}`{}", name,
                            near ? fmt::format(". Did you mean `{}`?", *near) : ""));
}

Admin::Answer Admin::logs(const Json& body) {
  const auto job = job_named(body, "job");
  if (!job) return tl::unexpected(job.error());
  Json files = Json::array();
  std::error_code ignored;
  std::vector<std::filesystem::path> paths{log_dir_ / "host.log"};
  for (const auto& entry : std::filesystem::directory_iterator(log_dir_, ignored)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("worker-") && name.find("-" + (*job)->key + "-") != std::string::npos)
      paths.push_back(entry.path());
  }
  std::sort(paths.begin() + 1, paths.end());
  for (const auto& path : paths)
    files.push_back({{"name", path.filename().string()}, {"text", tail_of(path, kLogTail)}});
  return Json{{"files", files}};
}

Admin::Answer Admin::signal(const Json& body) {
  const auto job = job_named(body, "job");
  if (!job) return tl::unexpected(job.error());
  if ((*job)->finished())
    return refuse(Code::failed_precondition,
                  fmt::format("job `{}` has ended ({})", (*job)->name, (*job)->phase));
  const Json event{{"type", "Signal"},
                   {"name", body.at("name").get<std::string>()},
                   {"value", body.value("value", Json())}};
  machine_.post(**job, event);
  audit(unit_, actor_, "job.signalled", (*job)->name,
        {{"job", (*job)->key}, {"name", event.at("name")}, {"value", event.at("value")}});
  return Json::object();
}

Admin::Answer Admin::model_export(const Json& body) {
  const auto job = job_named(body, "job");
  if (!job) return tl::unexpected(job.error());
  const auto model = views_.model((*job)->id, body.value("version", std::int64_t{0}));
  if (!model) return refuse(model.error());
  const auto blob = must(blobs_.find(model->digest));
  if (!blob) return refuse(Code::data_loss, "the model's bytes are not in the store");
  const std::filesystem::path to = body.at("to").get<std::string>();
  Status written;
  if (blob->is_inline()) {
    written = write_file_durably(to, blob->inline_data, 0644);
  } else {
    std::error_code error;
    std::filesystem::copy_file(blob->path, to, std::filesystem::copy_options::overwrite_existing,
                               error);
    if (!error) std::filesystem::permissions(to, std::filesystem::perms(0644), error);
    if (error)
      written = fail(Code::unavailable, "cannot write the model: " + error.message(), to.string());
  }
  if (!written) return refuse(written.error());
  audit(unit_, actor_, "model.exported", (*job)->name,
        {{"job", (*job)->key},
         {"version", model->version},
         {"digest", model->digest.hex()},
         {"to", to.string()}});
  return Json{{"digest", model->digest.hex()},
              {"size", blob->size},
              {"version", model->version},
              {"path", to.string()}};
}

Admin::Answer Admin::remove(const Json& body) {
  const std::string kind = body.at("kind").get<std::string>();
  if (kind == "node") return node_revoke(body);
  if (kind != "job") {
    const auto removed = submit_.remove_resource(kind, body.at("name").get<std::string>(), actor_);
    if (!removed) return refuse(removed.error());
    return Json::object();
  }
  const auto job = job_named(body, "name");
  if (!job) return tl::unexpected(job.error());
  const std::string name = (*job)->name;
  audit(unit_, actor_, "job.deleted", name, {{"job", (*job)->key}, {"phase", (*job)->phase}});
  machine_.stop(**job, "deleted by an operator");
  machine_.remove(**job);
  for (auto it = watches_.begin(); it != watches_.end();) {
    if (it->second.job != name) {
      ++it;
      continue;
    }
    reply(it->second.asker, refuse(Code::not_found, fmt::format("job `{}` was deleted", name)));
    it = watches_.erase(it);
  }
  return Json::object();
}

Admin::Answer Admin::plugin_allow(const Json& body) {
  const auto entry = quarantine_.allow(body.at("digest").get<std::string>());
  if (!entry) return refuse(entry.error());
  audit(unit_, actor_, "plugin.allowed", entry->digest, to_json(*entry));
  return to_json(*entry);
}

Admin::Answer Admin::plugin_quarantined(const Json&) {
  Json plugins = Json::array();
  for (const auto& entry : quarantine_.list()) plugins.push_back(to_json(entry));
  return Json{{"plugins", plugins}};
}

Admin::Answer Admin::audit_list(const Json& body) {
  const std::int64_t limit =
      std::clamp<std::int64_t>(body.value("limit", kAuditPage), 1, kAuditPage);
  Json entries = Json::array();
  for (const auto& entry :
       must(store::read_audit(unit_.database(), body.value("after", std::int64_t{0}), limit))) {
    entries.push_back({{"seq", entry.seq},
                       {"time", entry.time},
                       {"actor", entry.actor},
                       {"action", entry.action},
                       {"subject", entry.subject},
                       {"details", entry.details},
                       {"prev", entry.prev.hex()},
                       {"hash", entry.hash.hex()}});
  }
  return Json{{"entries", entries}};
}

Admin::Answer Admin::audit_head(const Json&) {
  const auto head = must(store::audit_head(unit_.database()));
  return Json{{"seq", head.seq}, {"hash", head.hash.hex()}};
}

Admin::Answer Admin::admin_key(const Json& body) {
  const std::string name = body.at("name").get<std::string>();
  const std::string key = body.at("key").get<std::string>();
  if (identity_.admin_endpoint.empty()) {
    return refuse(Code::failed_precondition,
                  "this cloud listens for no admin keys; start it with --admin-listen "
                  "tcp://ADDRESS:PORT");
  }
  if (const auto added = admin_keys_.add(name, key); !added) return refuse(added.error());
  audit(unit_, actor_, "admin.key", name, {{"key", wire::key_fingerprint(key)}});
  return Json{
      {"name", name}, {"endpoint", identity_.admin_endpoint}, {"serverKey", identity_.public_key}};
}

Admin::Answer Admin::admin_list(const Json&) {
  return Json{{"items", admin_keys_.list()}};
}

Admin::Answer Admin::admin_revoke(const Json& body) {
  const std::string name = body.at("name").get<std::string>();
  if (const auto revoked = admin_keys_.revoke(name); !revoked) return refuse(revoked.error());
  audit(unit_, actor_, "admin.revoked", name);
  return Json::object();
}

Admin::Answer Admin::shutdown(const Json&) {
  audit(unit_, actor_, "host.shutdown", "cloud");
  on_shutdown_();
  return Json::object();
}

// The answer comes when all is durable, which may take long.
void Admin::backup(const Asker& asker, const Json& body) {
  const Unit::Scope scope(unit_);
  const auto done = [this, asker](const auto& made) {
    reply(asker, made ? Answer(made->to_json()) : Answer(refuse(made.error())));
  };
  const Status begun = backups_.begin(body.at("to").get<std::string>(), actor_, done);
  if (!begun) reply(asker, refuse(begun.error()));
}

// The answer comes when all is recorded: files that go with a job may take long.
void Admin::apply(const Asker& asker, const Caller& caller, const Json& body) {
  ApplyRequest request{.text = body.at("text").get<std::string>(),
                       .file = body.at("file").get<std::string>(),
                       .nodes = std::nullopt,
                       .actor = caller.actor(),
                       .from_afar = caller.role == Role::admin};
  if (const auto nodes = body.find("nodes"); nodes != body.end() && !nodes->is_null())
    request.nodes = nodes->get<int>();
  submit_.apply(std::move(request),
                [this, asker](const Submit::Answer& answer) { reply(asker, answer); });
}

void Admin::watch(const Asker& asker, const Json& body) {
  const auto job = job_named(body, "job");
  if (!job) return reply(asker, tl::unexpected(job.error()));
  const std::int64_t after = body.value("after", std::int64_t{0});
  const std::int64_t wait =
      std::clamp<std::int64_t>(body.value("waitMs", std::int64_t{0}), 0, kMaxWaitMs);
  if (wait == 0 || (*job)->finished() || (*job)->next_record - 1 > after)
    return reply(asker, views_.progress(**job, after));
  if (watches_.size() >= kMaxWatches) tell_of_progress(watches_.begin());  // who will ask again
  const std::uint64_t number = ++last_watch_;
  Watch& watch = watches_[number];
  watch = {asker, (*job)->name, after,
           std::make_unique<boost::asio::steady_timer>(io_, std::chrono::milliseconds(wait))};
  watch.timer->async_wait([this, number](const boost::system::error_code& error) {
    const auto it = watches_.find(number);
    if (!error && it != watches_.end()) tell_of_progress(it);  // else it was answered already
  });
}

Admin::Watches::iterator Admin::tell_of_progress(Watches::iterator at) {
  if (const Job* job = machine_.find(at->second.job))
    reply(at->second.asker, views_.progress(*job, at->second.after));
  return watches_.erase(at);
}

void Admin::job_changed(const Job& job) {
  for (auto it = watches_.begin(); it != watches_.end();) {
    const Watch& watch = it->second;
    const bool news = job.finished() || job.next_record - 1 > watch.after;
    it = watch.job == job.name && news ? tell_of_progress(it) : std::next(it);
  }
}

}  // namespace skerry::engine::cloud
