#include "core/engine/cloud/peers.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/engine/audit.hpp"
#include "core/version.hpp"
#include "core/wire/keys.hpp"

namespace skerry::engine::cloud {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 500ms;
constexpr auto kSilence = 15s;  // edges ping every 2 s
constexpr auto kResendAfter = 3s;
constexpr std::uint64_t kWindow = 256;  // downlink messages on their way to one node
constexpr std::uint32_t kUplinkCredit = 1024;
constexpr std::size_t kMaxInbox = 2 * kUplinkCredit;
constexpr std::size_t kMaxInboxBytes = 4u << 20;  // twice what an edge sends ahead
constexpr std::uint64_t kDownlinkQuota = 1024;    // messages that a node can make wait for itself
constexpr std::size_t kMaxComplaint = 512;        // characters

std::uint64_t random_session() {
  std::uint64_t session = 0;
  while (session == 0) randombytes_buf(&session, sizeof session);
  return session;
}

// Text of a node, for people: short, and without what a terminal would take for a command.
std::string readable(Bytes payload) {
  std::string text(reinterpret_cast<const char*>(payload.data()),
                   std::min(payload.size(), kMaxComplaint));
  for (char& each : text)
    if (each < ' ' || each > '~') each = '?';
  return text;
}

}  // namespace

Peers::Peers(Loop& loop, Unit& unit, wire::Transport& transport, Nodes& nodes, Listener& listener)
    : loop_(loop), unit_(unit), transport_(transport), nodes_(nodes), listener_(listener) {}

void Peers::start(int socket, Options options) {
  socket_ = socket;
  options_ = std::move(options);
  tick();
}

template <class Message>
void Peers::send_now(const std::string& address, std::uint64_t session, const Message& message) {
  transport_.send(socket_, address, wire::frame(session, 0, 0, message));
}

Peers::Peer& Peers::peer(const std::string& node) {
  const auto [it, added] = peers_.try_emplace(node);
  if (!added) return it->second;
  Peer& peer = it->second;
  peer.node = node;
  auto select = unit_.sql("SELECT uplink_seq, downlink_seq, revoked FROM node WHERE name = ?");
  select.bind(1, node);
  if (must(select.step())) {
    peer.uplink_seq = peer.uplink_committed = static_cast<std::uint64_t>(select.column_int(0));
    peer.revoked = select.column_int(2) != 0;
    peer.downlink_seq = static_cast<std::uint64_t>(select.column_int(1));
  }
  return peer;
}

void Peers::handle(const wire::Incoming& incoming) {
  const auto caller = parse_user_id(incoming.user);
  if (!caller) return;  // cannot be: ZAP lets nobody else in
  auto frame = wire::parse_frame(incoming.data, wire::kControlLimit);
  if (!frame) {
    note_violation(*caller, frame.error().text());
    if (frame.error().code == Code::failed_precondition)
      refuse(incoming.peer, "version", frame.error().message, false);
    return;
  }
  const wire::Type type = frame->header.type;
  if (!is_listed(caller->role, type)) {
    note_violation(
        *caller, fmt::format("messages of type {} are not for it to send", static_cast<int>(type)));
    return refuse(incoming.peer, "forbidden", "this message is not for you to send", false);
  }
  if (caller->role == Role::invite) return admit(incoming, *caller, *frame);
  Peer& peer = this->peer(caller->name);
  if (peer.revoked) return refuse(incoming.peer, "revoked", "this node was revoked", false);
  if (type == wire::Type::hello) return greet(incoming, *caller, *frame);
  // A farewell follows all that its connection has said, HELLOs that no WELCOME has met among them.
  if (type == wire::Type::bye && peer.address == incoming.peer) return part(peer);
  if (peer.address != incoming.peer || peer.session != frame->header.session) {
    return refuse(incoming.peer, "no_session", "this session is not known here; say hello again",
                  true, frame->header.session);
  }
  take(peer, std::move(*frame));
}

// A token's connection may join, and nothing else.
void Peers::admit(const wire::Incoming& incoming, const Caller& caller,
                  const wire::Received& frame) {
  const auto join = wire::decode<wire::Join>(frame.payload());
  if (!join) return refuse(incoming.peer, "invalid_argument", join.error().text(), false);
  const std::string& node = caller.name;
  if (const auto may = authorize(unit_, caller, {.type = frame.header.type, .node = join->node});
      !may) {
    return refuse_join(incoming.peer, node, *join, "wrong_node", may.error().message);
  }
  const Unit::Scope scope(unit_);
  if (const auto joined = nodes_.join(node, join->public_key); !joined) {
    return refuse_join(incoming.peer, node, *join, std::string(code_name(joined.error().code)),
                       joined.error().message);
  }
  peer(node).revoked = false;  // an earlier invitation was
  unit_.after_commit(
      [this, address = incoming.peer, node] { send_now(address, 0, wire::Joined{node}); });
  SKERRY_FAILPOINT("cloud.node.joined");
  log_info(fmt::format("node {} joined", node));
}

void Peers::refuse_join(const std::string& address, const std::string& node, const wire::Join& join,
                        const std::string& code, const std::string& message) {
  if (const auto left_out = refused_joins_.admit(node, loop_.now())) {
    log_warn(fmt::format("the token of node {} is refused: {}", node, message));
    audit(unit_, actor_invite(node), "node.join_refused", join.node,
          {{"code", code},
           {"message", message},
           {"key", wire::key_fingerprint(join.public_key)},
           {"leftOut", *left_out}});
  }
  refuse(address, code, message, false);
}

void Peers::refuse(const std::string& address, const std::string& code, const std::string& message,
                   bool retry, std::uint64_t session) {
  send_now(address, session, wire::Refused{code, message, retry});
}

// What a node should not have sent: told to people now and then, however often it comes.
void Peers::note_violation(const Caller& caller, const std::string& what) {
  ++counters_.violations;
  const auto left_out = violations_.admit(caller.actor(), loop_.now());
  if (!left_out) return;
  log_warn(fmt::format("{}: a message is refused: {}", caller.actor(), what));
  audit(unit_, caller.actor(), "message.refused", caller.name,
        {{"message", what}, {"leftOut", *left_out}});
}

void Peers::greet(const wire::Incoming& incoming, const Caller& caller,
                  const wire::Received& frame) {
  const auto hello = wire::decode<wire::Hello>(frame.payload());
  if (!hello) return refuse(incoming.peer, "invalid_argument", hello.error().text(), false);
  if (hello->protocol != wire::kProtocol) {
    const std::string what = fmt::format(
        "its Skerry {} speaks protocol {}, this cloud's Skerry {} speaks {}: use the same version "
        "on both sides",
        hello->version, hello->protocol, kVersion, wire::kProtocol);
    note_violation(caller, what);
    return refuse(incoming.peer, "version", what, false);
  }
  const std::string& node = caller.name;
  if (const auto may = authorize(unit_, caller, {.type = frame.header.type, .node = hello->node});
      !may) {
    note_violation(caller, may.error().message);
    return refuse(incoming.peer, "wrong_node", may.error().message, false);
  }
  const Unit::Scope scope(unit_);
  nodes_.settle_key(node, caller.key);
  Peer& peer = this->peer(node);
  const bool was_online = !peer.address.empty();
  peer.address = incoming.peer;
  peer.session = random_session();
  peer.welcomed = false;
  peer.heard = loop_.now();
  empty_inbox(peer);

  settle_uplink(peer, *hello);
  settle_downlink(peer, *hello);
  peer.sent = peer.acked;
  peer.progress = loop_.now();

  wire::Welcome welcome;
  welcome.outbox = hello->outbox;
  welcome.session = peer.session;
  welcome.cloud_epoch = options_.epoch;
  welcome.uplink_seq = peer.uplink_seq;
  welcome.downlink_seq = peer.acked;
  welcome.credit = kUplinkCredit;
  welcome.bulk_port = options_.bulk_port;
  welcome.request_port = options_.request_port;
  welcome.tasks = listener_.open_tasks(node);
  listener_.reconcile(node, hello->tasks, peer.acked);
  if (!was_online) {
    log_info(fmt::format("node {} is online", node));
    listener_.node_online(node);
  }
  SKERRY_FAILPOINT("cloud.session.greeted");
  unit_.after_commit([this, node, welcome] {
    SKERRY_FAILPOINT("cloud.session.committed");
    Peer& greeted = this->peer(node);
    // Another HELLO came meanwhile, or a farewell.
    if (greeted.session != welcome.session || greeted.address.empty()) return;
    send_now(greeted.address, welcome.session, welcome);
    greeted.welcomed = true;
    transmit(greeted);
  });
}

// An outbox goes on after what its edge has forgotten, which is nothing when it is new. A known one
// can lack messages that this cloud has no record of: they were acknowledged before it was restored
// from a backup, and can't be sent again; which work was lost with them is settled by comparing
// tasks.
void Peers::settle_uplink(Peer& peer, const wire::Hello& hello) {
  auto select = unit_.sql("SELECT outbox FROM node WHERE name = ?");
  select.bind(1, peer.node);
  const bool fresh = must(select.step()) && select.column_text(0) != hello.outbox;
  const std::uint64_t gone = hello.lowest_seq > 0 ? hello.lowest_seq - 1 : hello.highest_seq;
  if (!fresh && gone <= peer.uplink_seq) return;
  if (!fresh)
    log_warn(
        fmt::format("node {} has forgotten its messages {} to {}, which this cloud has no "
                    "record of: this cloud was restored from a backup",
                    peer.node, peer.uplink_seq + 1, gone));
  peer.uplink_seq = gone;
  peer.uplink_committed = std::min(peer.uplink_committed, gone);
  ++peer.generation;
  must(unit_.sql("UPDATE node SET outbox = ?, uplink_seq = ? WHERE name = ?")
           .bind(1, hello.outbox)
           .bind(2, peer.uplink_seq)
           .bind(3, peer.node)
           .run());
  unit_.after_commit([this, node = peer.node] {
    Peer& settled = this->peer(node);
    settled.uplink_committed = settled.uplink_seq;
  });
}

// An inbox of another epoch says nothing about our downlink. One of this epoch that is ahead of it
// saw numbers which a restored cloud has forgotten, and must not give out again.
void Peers::settle_downlink(Peer& peer, const wire::Hello& hello) {
  const std::uint64_t inbox = hello.cloud_epoch == options_.epoch ? hello.inbox_seq : 0;
  if (inbox > peer.downlink_seq) {
    peer.downlink_seq = inbox;
    must(unit_.sql("UPDATE node SET downlink_seq = ? WHERE name = ?")
             .bind(1, inbox)
             .bind(2, peer.node)
             .run());
    // Rows that the node has had must not stay before numbers that have none: an inbox that begins
    // anew would wait for those.
    must(unit_.sql("DELETE FROM downlink WHERE node = ? AND seq <= ?")
             .bind(1, peer.node)
             .bind(2, inbox)
             .run());
  }
  peer.acked = std::max(inbox, forgotten(peer));
}

// The last message whose row is gone: it can't be sent again, so nobody must wait for it.
std::uint64_t Peers::forgotten(const Peer& peer) {
  auto select = unit_.sql("SELECT min(seq) FROM downlink WHERE node = ?");
  select.bind(1, peer.node);
  if (!must(select.step()) || select.column_is_null(0)) return peer.downlink_seq;
  return static_cast<std::uint64_t>(select.column_int(0)) - 1;
}

void Peers::take(Peer& peer, wire::Received frame) {
  peer.heard = loop_.now();
  acknowledged(peer, frame.header.ack);
  switch (frame.header.type) {
    case wire::Type::ping:
      peer.complaint = readable(frame.payload());
      transport_.send(socket_, peer.address,
                      wire::frame({wire::Type::pong, peer.session, 0, peer.uplink_committed}, {}));
      return;
    case wire::Type::pong:
    case wire::Type::ack:
      return;
    case wire::Type::new_key:
      if (const auto fresh = wire::decode<wire::NewKey>(frame.payload())) note_key(peer, *fresh);
      return;
    case wire::Type::task_reported:
      if (const auto report = wire::decode<wire::TaskReported>(frame.payload())) {
        counters_.reports_lost += report->left_out;
        listener_.progress(peer.node, *report);
      }
      return;
    case wire::Type::task_finished:
    case wire::Type::task_failed:
      enqueue(peer, std::move(frame));
      return pump(peer);
    default:
      return;
  }
}

void Peers::part(Peer& peer) {
  log_info(fmt::format("node {} has ended", peer.node));
  lose(peer);
}

// What is left out is sent again.
void Peers::enqueue(Peer& peer, wire::Received frame) {
  if (disk_is_full()) return;
  const std::size_t size = frame.payload().size();
  if (peer.inbox.size() >= kMaxInbox || peer.inbox_bytes + size > kMaxInboxBytes) {
    ++counters_.inbox_full;
    return;
  }
  peer.inbox_bytes += size;
  peer.inbox.push_back(std::move(frame));
}

void Peers::empty_inbox(Peer& peer) {
  peer.inbox.clear();
  peer.inbox_bytes = 0;
}

void Peers::note_key(const Peer& peer, const wire::NewKey& fresh) {
  const Unit::Scope scope(unit_);
  if (const auto noted = nodes_.note_key(peer.node, fresh.public_key); !noted) {
    note_violation({Role::node, peer.node}, "its new key is refused: " + noted.error().message);
    return;
  }
  SKERRY_FAILPOINT("cloud.key.noted");
  unit_.after_commit(
      [this, address = peer.address, session = peer.session, key = fresh.public_key] {
        send_now(address, session, wire::NewKeyNoted{key});
      });
}

void Peers::pump(Peer& peer) {
  while (!peer.busy && !peer.inbox.empty() && !disk_is_full()) {
    const wire::Received frame = std::move(peer.inbox.front());
    peer.inbox.pop_front();
    peer.inbox_bytes -= frame.payload().size();
    const std::uint64_t seq = frame.header.seq;
    // A repetition, or a gap that go-back-N will fill.
    if (seq != peer.uplink_seq + 1 && !SKERRY_PLANTED_BUG("skip-dedup")) {
      acknowledge(peer);
      continue;
    }
    peer.busy = true;
    listener_.message(peer.node, frame,
                      [this, node = peer.node, seq, generation = peer.generation] {
                        Peer& sender = this->peer(node);
                        sender.busy = false;
                        if (sender.generation != generation) return;
                        sender.uplink_seq = seq;
                        must(unit_.sql("UPDATE node SET uplink_seq = ? WHERE name = ?")
                                 .bind(1, seq)
                                 .bind(2, node)
                                 .run());
                        SKERRY_FAILPOINT("cloud.uplink.counted");
                        acknowledge(sender);
                        unit_.after_commit([this, node] { pump(this->peer(node)); });
                      });
  }
}

void Peers::disk_changed() {
  for (auto& [name, peer] : peers_) pump(peer);
}

// Once for all that this unit commits.
void Peers::acknowledge(Peer& peer) {
  if (std::exchange(peer.ack_due, true)) return;
  const Unit::Scope scope(unit_);
  if (SKERRY_PLANTED_BUG("ack-before-commit") && !peer.address.empty()) {
    transport_.send(socket_, peer.address,
                    wire::frame({wire::Type::ack, peer.session, 0, peer.uplink_seq}, {}));
  }
  unit_.after_commit([this, node = peer.node] {
    Peer& sender = this->peer(node);
    sender.ack_due = false;
    sender.uplink_committed = sender.uplink_seq;
    if (sender.address.empty()) return;
    transport_.send(socket_, sender.address,
                    wire::frame({wire::Type::ack, sender.session, 0, sender.uplink_committed}, {}));
    SKERRY_FAILPOINT("cloud.ack.sent");
  });
}

// The rows go with the next message to the node: until then a crash costs a repetition, not an
// fsync.
void Peers::acknowledged(Peer& peer, std::uint64_t seq) {
  if (seq <= peer.acked || seq > peer.downlink_seq) return;
  peer.acked = seq;
  peer.progress = loop_.now();
  transmit(peer);
}

void Peers::tell(const std::string& node, const wire::TaskRefused& refusal) {
  const Peer& peer = this->peer(node);
  if (peer.downlink_seq - peer.acked >= kDownlinkQuota) {
    ++counters_.untold;
    return;
  }
  send(node, refusal);
}

std::uint64_t Peers::append(const std::string& node, wire::Type type, const std::string& payload) {
  const Unit::Scope scope(unit_);
  Peer& peer = this->peer(node);
  if (peer.revoked) return 0;
  const std::uint64_t seq = ++peer.downlink_seq;
  must(unit_.sql("DELETE FROM downlink WHERE node = ? AND seq <= ?")
           .bind(1, node)
           .bind(2, peer.acked)
           .run());
  must(unit_.sql("INSERT INTO downlink(node, seq, type, payload) VALUES(?, ?, ?, ?)")
           .bind(1, node)
           .bind(2, seq)
           .bind(3, static_cast<int>(type))
           .bind(4, as_bytes(payload))
           .run());
  must(unit_.sql("UPDATE node SET downlink_seq = ? WHERE name = ?")
           .bind(1, seq)
           .bind(2, node)
           .run());
  SKERRY_FAILPOINT("cloud.downlink.appended");
  unit_.after_commit([this, node] { transmit(this->peer(node)); });
  return seq;
}

void Peers::transmit(Peer& peer) {
  const std::uint64_t last = std::min(peer.downlink_seq, peer.acked + kWindow);
  if (peer.address.empty() || !peer.welcomed || peer.sent >= last) return;
  if (peer.sent == peer.acked) peer.progress = loop_.now();
  auto select = unit_.sql(
      "SELECT seq, type, payload FROM downlink WHERE node = ? AND seq > ? AND seq <= ? ORDER BY "
      "seq");
  select.bind(1, peer.node).bind(2, peer.sent).bind(3, last);
  while (must(select.step())) {
    const auto seq = static_cast<std::uint64_t>(select.column_int(0));
    const wire::Header header{static_cast<wire::Type>(select.column_int(1)), peer.session, seq,
                              peer.uplink_committed};
    transport_.send(socket_, peer.address, wire::frame(header, select.column_blob(2)));
  }
  peer.sent = last;
  SKERRY_FAILPOINT("cloud.downlink.sent");
}

void Peers::tick() {
  alarm_ = loop_.after(kTick, [this] {
    const auto now = loop_.now();
    for (auto& [name, peer] : peers_) {
      if (peer.address.empty()) continue;
      if (now - peer.heard > kSilence) {
        log_warn(fmt::format("node {} has not been heard for {} s: offline", peer.node,
                             kSilence.count()));
        lose(peer);
      } else if (peer.sent > peer.acked && now - peer.progress > kResendAfter) {
        peer.sent = peer.acked;
        transmit(peer);
      }
    }
    tick();
  });
}

void Peers::lose(Peer& peer) {
  peer.address.clear();
  empty_inbox(peer);
  const Unit::Scope scope(unit_);
  listener_.node_offline(peer.node);
}

void Peers::drop(const std::string& node, const std::string& code, const std::string& message) {
  const Unit::Scope scope(unit_);
  Peer& peer = this->peer(node);
  peer.revoked = true;
  log_info(fmt::format("node {} is cut off: {}", node, message));
  if (!peer.address.empty()) {
    refuse(peer.address, code, message, false);
    lose(peer);
  }
  listener_.node_revoked(node);
}

bool Peers::online(const std::string& node) const {
  const auto it = peers_.find(node);
  return it != peers_.end() && !it->second.address.empty();
}

std::vector<std::string> Peers::online_nodes() const {
  std::vector<std::string> nodes;
  for (const auto& [name, peer] : peers_)
    if (!peer.address.empty()) nodes.push_back(name);
  return nodes;
}

std::string Peers::complaint(const std::string& node) const {
  const auto it = peers_.find(node);
  return it == peers_.end() || it->second.address.empty() ? "" : it->second.complaint;
}

std::optional<double> Peers::seconds_since_heard(const std::string& node) const {
  const auto it = peers_.find(node);
  if (it == peers_.end() || it->second.heard == Clock::time_point{}) return std::nullopt;
  return std::chrono::duration<double>(loop_.now() - it->second.heard).count();
}

}  // namespace skerry::engine::cloud
