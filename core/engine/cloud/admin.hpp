// What an operator can ask of a running cloud: JSON in, JSON out, over its local socket or, with an
// admin key, from afar. Who may ask what: authorization.hpp.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/base/json.hpp"
#include "core/engine/audit.hpp"
#include "core/engine/cloud/admin_keys.hpp"
#include "core/engine/cloud/authorization.hpp"
#include "core/engine/cloud/backups.hpp"
#include "core/engine/cloud/machine.hpp"
#include "core/engine/cloud/nodes.hpp"
#include "core/engine/cloud/peers.hpp"
#include "core/engine/cloud/submit.hpp"
#include "core/engine/cloud/views.hpp"
#include "core/wire/messages.hpp"
#include "core/wire/socket_thread.hpp"

namespace skerry::engine::cloud {

class Admin {
 public:
  struct Identity {
    std::string endpoint;  // that edges connect to
    std::uint32_t bulk_port = 0;
    std::string public_key;
    std::string admin_endpoint;  // that admin keys are for; empty: there is none
  };
  struct Sockets {
    int local = -1;
    int remote = -1;  // of admin keys; -1: there is none
  };

  Admin(boost::asio::io_context& io, Unit& unit, wire::SocketThread& sockets, Machine& machine,
        Nodes& nodes, Peers& peers, Submit& submit, Views& views, store::BlobStore& blobs,
        Quarantine& quarantine, Backups& backups);

  // on_shutdown ends the host.
  void start(Sockets sockets, Identity identity, std::filesystem::path log_dir,
             std::function<void()> on_shutdown);
  // What the host has counted since it started, as `status` shows it.
  void show(std::function<Json()> counters) { counters_ = std::move(counters); }
  bool owns(int socket) const { return socket == own_.local || socket == own_.remote; }
  void handle(const wire::Incoming& incoming);
  // Something about this job is new: those who wait for it get their answer.
  void job_changed(const Job& job);

 private:
  struct Asker {
    int socket = -1;
    std::string address;
    std::uint64_t id = 0;  // of the question
  };
  struct Watch {
    Asker asker;
    std::string job;
    std::int64_t after = 0;
    std::unique_ptr<boost::asio::steady_timer> timer;
  };
  using Watches = std::map<std::uint64_t, Watch>;  // by number, in the order they came
  using Answer = tl::expected<Json, std::vector<Problem>>;
  using Verb = Answer (Admin::*)(const Json& body);

  Answer ping(const Json&);
  Answer status(const Json&);
  Answer node_token(const Json&);
  Answer node_list(const Json&);
  Answer node_revoke(const Json&);
  Answer node_rotate(const Json&);
  Answer get(const Json&);
  Answer describe(const Json&);
  Answer logs(const Json&);
  Answer signal(const Json&);
  Answer model_export(const Json&);
  Answer remove(const Json&);
  Answer plugin_allow(const Json&);
  Answer plugin_quarantined(const Json&);
  Answer shutdown(const Json&);
  Answer audit_list(const Json&);
  Answer audit_head(const Json&);
  Answer admin_key(const Json&);
  Answer admin_list(const Json&);
  Answer admin_revoke(const Json&);
  void apply(const Asker& asker, const Caller& caller, const Json& body);
  void watch(const Asker& asker, const Json& body);
  Watches::iterator tell_of_progress(Watches::iterator at);  // the next one
  void backup(const Asker& asker, const Json& body);

  Answer dispatch(const std::string& verb, const Json& body);
  tl::expected<Job*, std::vector<Problem>> job_named(const Json& body, const char* key);
  std::optional<Caller> caller_of(const wire::Incoming& incoming) const;
  static Result<wire::AdminRequest> request_in(const wire::Incoming& incoming);
  void note_refusal(const Caller& caller, const std::string& what);
  void reply(const Asker& asker, const Answer& answer);

  boost::asio::io_context& io_;
  Unit& unit_;
  wire::SocketThread& sockets_;
  Machine& machine_;
  Nodes& nodes_;
  Peers& peers_;
  Submit& submit_;
  Views& views_;
  store::BlobStore& blobs_;
  Quarantine& quarantine_;
  Backups& backups_;
  AdminKeys admin_keys_;
  Sockets own_;
  Identity identity_;
  std::string actor_;  // who asks what is being answered, for the audit log
  std::filesystem::path log_dir_;
  std::function<void()> on_shutdown_;
  std::function<Json()> counters_;
  std::string started_;  // wall clock, for people
  std::chrono::steady_clock::time_point began_{};
  Watches watches_;
  std::uint64_t last_watch_ = 0;
  AuditLimit refusals_{1, std::chrono::seconds(60)};  // of a caller
};

}  // namespace skerry::engine::cloud
