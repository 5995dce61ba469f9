// A cloud's engine on a bench: a test plays its workflow, its nodes and the time.
#pragma once

#include <gtest/gtest.h>

#include <fstream>

#include "core/base/crypto.hpp"
#include "core/base/file.hpp"
#include "core/engine/cloud/engine.hpp"
#include "core/engine/cloud/tables.hpp"
#include "core/store/audit_chain.hpp"
#include "core/wire/envelope.hpp"
#include "tests/unit/engine/manual_loop.hpp"

namespace skerry::engine::cloud {

class CloudBench : public testing::Test, protected wire::Transport, protected Workers {
 protected:
  void SetUp() override {
    must(init_sodium());
    must(database_.migrate(kMigrations));
    std::filesystem::create_directories(uploads());
    blobs_.emplace(must(store::BlobStore::open(database_, dir_.path() / "blobs")));
    start();
  }

  void pass_time() { loop_->run_for(std::chrono::minutes(5)); }

  // The host starts, or starts again.
  void start() {
    engine_.reset();
    loop_ = std::make_unique<ManualLoop>();
    engine_.emplace(Engine::World{*loop_, *this, *this, [](auto) {}, disk_ ? &*disk_ : nullptr},
                    unit_, *blobs_, uploads());
    engine_->start(1, {.epoch = "epoch", .bulk_port = 1});
  }

  std::filesystem::path uploads() const { return dir_.path() / "uploads"; }

  // ---- the job

  void add_node(const std::string& node) {
    const Unit::Scope scope(unit_);
    must(unit_.sql("INSERT INTO node(name, public_key, joined) VALUES(?, ?, '')")
             .bind(1, node)
             .bind(2, "key of " + node)
             .run());
  }
  void add_job(const std::vector<Digest>& shipped = {}) {
    const Unit::Scope scope(unit_);
    Machine::NewJob job;
    job.name = "digits";
    job.kind = "TestJob";
    job.plan = {{"spec", Json::object()}};
    job.shipped = shipped;
    engine_->machine().create(std::move(job), {});
  }
  Job& job() { return *engine_->machine().find("digits"); }

  // What the workflow answers to all that it was told so far.
  void workflow_says(const std::vector<Json>& commands, const std::string& state = "{}") {
    loop_->run();
    wire::DecideReply reply;
    reply.job = job().key;
    reply.ok = true;
    reply.state = state;
    reply.commands = dump_json(Json(commands));
    engine_->decided(std::move(reply));
    loop_->run();
  }
  static Json train(const std::string& task, const std::string& node,
                    const Json& inputs = Json::object()) {
    return {
        {"do", "StartTask"}, {"task", task}, {"node", node}, {"kind", "train"}, {"inputs", inputs}};
  }
  // Something happens about which the workflow is asked.
  void nudge() {
    const Unit::Scope scope(unit_);
    engine_->machine().post_to_all({{"type", "Test"}});
  }
  static Json stop(const std::string& task) { return {{"do", "StopTask"}, {"task", task}}; }
  std::string state_of(const std::string& task) {
    auto select = unit_.sql("SELECT state || ': ' || message FROM task WHERE id = ?");
    select.bind(1, task);
    return must(select.step()) ? select.column_text(0) : "";
  }

  // ---- what nodes do

  std::string user(const std::string& node) { return user_id(Role::node, node); }

  // As the bulk server does: the partial file, then the whole.
  Result<wire::BulkTarget> admit(const std::string& node, const std::string& bytes) {
    Result<wire::BulkTarget> target = fail(Code::internal, "no answer");
    engine_->blob_access().admit(
        user(node), digest(bytes), bytes.size(),
        [&](Result<wire::BulkTarget> found) { target = std::move(found); });
    loop_->run();
    return target;
  }
  Status upload(const std::string& node, const std::string& bytes) {
    const auto target = admit(node, bytes);
    if (!target) return fail(target.error());
    if (target->have) return {};
    std::ofstream(target->staging_file, std::ios::binary) << bytes;
    Status stored = fail(Code::internal, "no answer");
    engine_->blob_access().received(user(node), digest(bytes), bytes.size(), target->staging_file,
                                    [&](Status status) { stored = std::move(status); });
    loop_->run();
    return stored;
  }
  // What it says of itself when it connects; the cloud must know the node.
  void greet(const std::string& node, wire::Hello hello = {}) {
    hello.node = node;
    hello.outbox = "outbox-of-" + node;
    {
      const Unit::Scope scope(unit_);
      engine_->handle({1, node, user(node), wire::frame(0, 0, 0, hello)});
    }
    loop_->run();
  }
  template <class Message>
  void say(const std::string& node, const Message& message) {
    if (!sessions_.contains(node)) greet(node);
    const Unit::Scope scope(unit_);
    engine_->handle({1, node, user(node), wire::frame(sessions_[node], ++sent_[node], 0, message)});
  }
  void say_bytes(const std::string& node, wire::Type type, const std::string& payload) {
    if (!sessions_.contains(node)) greet(node);
    const Unit::Scope scope(unit_);
    engine_->handle(
        {1, node, user(node), wire::frame({type, sessions_[node], ++sent_[node], 0}, payload)});
  }
  wire::TaskFinished result(const std::string& task) {
    wire::TaskFinished finished;
    finished.key = {job().key, task};
    finished.plan = digest(job().plan);
    return finished;
  }
  void finish(const std::string& node, const std::string& task, const std::string& bytes) {
    wire::TaskFinished finished = result(task);
    finished.outputs.push_back({"update", digest(bytes), bytes.size(), {}});
    say(node, finished);
    loop_->run();
  }

  // ---- what nodes and people are told

  // The codes of the refusals that are on their way to the node.
  std::vector<std::string> refusals_for(const std::string& node) {
    std::vector<std::string> codes;
    auto select = unit_.sql("SELECT payload FROM downlink WHERE node = ? AND type = ?");
    select.bind(1, node).bind(2, static_cast<int>(wire::Type::task_refused));
    while (must(select.step())) {
      const std::string payload = select.column_blob(0);
      codes.push_back(must(wire::decode<wire::TaskRefused>(as_bytes(payload))).code);
    }
    return codes;
  }
  // The details of the entries of one kind in the audit log.
  std::vector<Json> audited(const std::string& action) {
    std::vector<Json> details;
    for (const auto& entry : must(store::read_audit(database_, 0, 1000)))
      if (entry.action == action) details.push_back(must(parse_json(entry.details)));
    return details;
  }

  // ---- the store

  static Digest digest(const std::string& bytes) { return digest_of(as_bytes(bytes)); }
  bool has(const std::string& bytes) { return must(blobs_->contains(digest(bytes))); }
  bool has_file(const std::string& bytes) {
    return std::filesystem::exists(blobs_->file_path(digest(bytes)));
  }
  // 40,000 bytes: too large to live in the database.
  static std::string update(char letter) { return std::string(40'000, letter); }

  TempDir dir_ = must(TempDir::create());
  store::Database database_ = must(store::Database::open(dir_.path() / "cloud.db"));
  Unit unit_{database_};
  std::optional<store::BlobStore> blobs_;
  std::unique_ptr<ManualLoop> loop_;
  std::optional<Engine> engine_;
  std::vector<wire::RunTask> run_here_;
  std::vector<wire::Refused> refusals_;          // that nodes were told
  std::optional<wire::DecideRequest> question_;  // the last
  std::optional<DiskGuard> disk_;                // of the next start()
  int questions_ = 0;                            // that the workflow was asked

 private:
  // wire::Transport
  Result<int> connect_dealer(const DealerOptions&) override { return 2; }
  void send(int, std::string peer, std::string data) override {
    const auto view = wire::check_frame(data, wire::kControlLimit);
    if (view->header.type == wire::Type::refused)
      refusals_.push_back(must(wire::decode<wire::Refused>(view->payload)));
    if (view->header.type != wire::Type::welcome) return;
    sessions_[peer] = must(wire::decode<wire::Welcome>(view->payload)).session;
  }
  void disconnect(int) override {}

  // Workers
  void run(wire::RunTask task) override { run_here_.push_back(std::move(task)); }
  void cancel(const wire::TaskKey&) override {}
  void decide(wire::DecideRequest request) override {
    question_ = std::move(request);
    ++questions_;
  }
  void forget(const std::string&) override {}
  void keep_only(const std::set<std::string>&) override {}

  std::map<std::string, std::uint64_t> sessions_, sent_;
};

}  // namespace skerry::engine::cloud
