// The cloud's side of its sessions with edges: greeting, sequence numbers, acknowledgements,
// resending, liveness.
//
// Uplink: a message is handed on once, in order; its number is committed together with its effect,
// and acknowledged after the commit. Downlink: a message is a row until the edge acknowledges it; a
// session starts by sending all rows, and goes back to the first unacknowledged one when no
// acknowledgement comes (go-back-N).
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/engine/audit.hpp"
#include "core/engine/cloud/nodes.hpp"
#include "core/engine/disk_guard.hpp"
#include "core/engine/loop.hpp"
#include "core/engine/unit.hpp"
#include "core/wire/envelope.hpp"
#include "core/wire/messages.hpp"
#include "core/wire/transport.hpp"

namespace skerry::engine::cloud {

class Peers {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void node_online(const std::string& node) = 0;
    virtual void node_offline(const std::string& node) = 0;
    // Inside a unit: it will not come back.
    virtual void node_revoked(const std::string& node) = 0;
    // What the cloud waits for from the node.
    virtual std::vector<wire::TaskKey> open_tasks(const std::string& node) = 0;
    // Inside a unit. `has`: what it says it has. `acked`: the last downlink message that it has
    // committed.
    virtual void reconcile(const std::string& node, const std::vector<wire::TaskKey>& has,
                           std::uint64_t acked) = 0;
    // A sequenced message. Calls `done` exactly once, now or later, inside the unit that writes the
    // effect. Until then nothing more of this node is handed on.
    virtual void message(const std::string& node, const wire::Received& message,
                         std::function<void()> done) = 0;
    virtual void progress(const std::string& node, const wire::TaskReported& report) = 0;
  };

  struct Options {
    std::string
        epoch;  // names this cloud's state; another one means another cloud, or a lost state
    std::uint32_t bulk_port = 0;
    std::uint32_t request_port = 0;
  };

  // What was dropped, since the host started.
  struct Counters {
    std::uint64_t inbox_full = 0;    // results that came too fast; their senders send them again
    std::uint64_t untold = 0;        // refusals for which a node's downlink had no room
    std::uint64_t reports_lost = 0;  // progress reports that edges left out
    std::uint64_t violations = 0;    // messages that were refused
  };

  Peers(Loop& loop, Unit& unit, wire::Transport& transport, Nodes& nodes, Listener& listener);

  void start(int socket, Options options);
  void handle(const wire::Incoming& incoming);
  // While the disk is full no result is taken: its sender keeps it and sends it again. nullptr:
  // nobody watches the disk. Call disk_changed() when it is low or has space again.
  void watch(const DiskGuard* disk) { disk_ = disk; }
  void disk_changed();

  // Inside a unit: a message that will reach the node, whatever dies meanwhile. Returns its number;
  // 0 for a node that was revoked, which will never fetch it.
  template <class Message>
  std::uint64_t send(const std::string& node, const Message& message) {
    return append(node, Message::type, wire::encode(message));
  }
  // As send, for what a node can make the cloud say: dropped and counted when the node does not
  // take what waits for it.
  void tell(const std::string& node, const wire::TaskRefused& refusal);

  // The node was revoked: ends its session and opens no other.
  void drop(const std::string& node, const std::string& code, const std::string& message);

  bool online(const std::string& node) const;
  std::vector<std::string> online_nodes() const;  // sorted
  // What it says keeps it from working; empty: nothing.
  std::string complaint(const std::string& node) const;
  std::optional<double> seconds_since_heard(const std::string& node) const;
  const Counters& counters() const { return counters_; }

 private:
  using Clock = Loop::Clock;

  struct Peer {
    std::string node;
    std::string address;  // on the control socket; empty: no session
    bool revoked = false;
    bool welcomed = false;  // nothing of a session may overtake its WELCOME
    std::uint64_t session = 0;
    Clock::time_point heard{};
    std::string complaint;
    // Uplink
    std::uint64_t uplink_seq = 0;        // last one applied, in the unit that is open perhaps
    std::uint64_t uplink_committed = 0;  // what may be acknowledged
    int generation = 0;                  // of the node's outbox
    std::list<wire::Received> inbox;     // takes no memory while it is empty, as it mostly is
    std::size_t inbox_bytes = 0;
    bool busy = false;  // a message is being examined
    bool ack_due = false;
    // Downlink
    std::uint64_t downlink_seq = 0;  // last number given out
    std::uint64_t sent = 0;          // in this session
    std::uint64_t acked = 0;
    Clock::time_point progress{};  // when `acked` last moved, or something was first sent
  };

  static void empty_inbox(Peer& peer);
  void greet(const wire::Incoming& incoming, const Caller& caller, const wire::Received& frame);
  void admit(const wire::Incoming& incoming, const Caller& caller, const wire::Received& frame);
  void note_violation(const Caller& caller, const std::string& what);
  void refuse_join(const std::string& address, const std::string& node, const wire::Join& join,
                   const std::string& code, const std::string& message);
  // `session`: the one that is refused, so that an edge can tell an old refusal.
  void refuse(const std::string& address, const std::string& code, const std::string& message,
              bool retry, std::uint64_t session = 0);
  void take(Peer& peer, wire::Received frame);
  void enqueue(Peer& peer, wire::Received frame);
  void note_key(const Peer& peer, const wire::NewKey& fresh);
  void pump(Peer& peer);
  bool disk_is_full() const { return disk_ != nullptr && disk_->low(); }
  void acknowledge(Peer& peer);
  void acknowledged(Peer& peer, std::uint64_t seq);
  std::uint64_t append(const std::string& node, wire::Type type, const std::string& payload);
  void transmit(Peer& peer);
  void settle_uplink(Peer& peer, const wire::Hello& hello);
  void settle_downlink(Peer& peer, const wire::Hello& hello);
  std::uint64_t forgotten(const Peer& peer);
  void tick();
  void part(Peer& peer);
  void lose(Peer& peer);
  Peer& peer(const std::string& node);
  template <class Message>
  void send_now(const std::string& address, std::uint64_t session, const Message& message);

  Loop& loop_;
  Unit& unit_;
  wire::Transport& transport_;
  Nodes& nodes_;
  Listener& listener_;
  const DiskGuard* disk_ = nullptr;
  std::unique_ptr<Loop::Alarm> alarm_;
  Options options_;
  int socket_ = -1;
  std::map<std::string, Peer> peers_;  // by node
  Counters counters_;
  AuditLimit refused_joins_{1, std::chrono::seconds(60)};  // of a token
  AuditLimit violations_{1, std::chrono::seconds(60)};     // of a caller
};

}  // namespace skerry::engine::cloud
