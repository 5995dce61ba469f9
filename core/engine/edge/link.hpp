// The edge's side of its session with the cloud: join, greet, number, acknowledge, resend.
//
// Uplink: a message is a row of the outbox until the cloud acknowledges it; a session starts by
// sending all rows. Downlink: a message is handed on once, in order, and acknowledged after the
// unit that recorded it.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/engine/disk_guard.hpp"
#include "core/engine/edge/key_ring.hpp"
#include "core/engine/loop.hpp"
#include "core/engine/unit.hpp"
#include "core/wire/envelope.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/messages.hpp"
#include "core/wire/token.hpp"
#include "core/wire/transport.hpp"

namespace skerry::engine::edge {

class Link {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void welcomed(const wire::Welcome& welcome) = 0;
    // That are here and not acknowledged; those that the cloud may wait for come first.
    virtual std::vector<wire::TaskKey> tasks() = 0;
    // Inside a unit: the cloud waits for these and no others.
    virtual void awaited(const std::vector<wire::TaskKey>& tasks) = 0;
    virtual void message(const wire::Received& message) = 0;  // sequenced; inside a unit
    virtual void delivered(
        const wire::TaskKey& key) = 0;  // the cloud has its result; inside a unit
    virtual void refused(const std::string& message) = 0;  // for good: trying again can't help
  };

  struct Cloud {
    std::string node;
    std::string endpoint;
    std::string server_key;
  };

  Link(Loop& loop, Unit& unit, wire::Transport& transport, KeyRing keys, Listener& listener);
  ~Link();

  // With a token: joins first. Without: the cloud that was joined before. `give_up_after`: how long
  // it goes on with a key that the cloud does not know, as one may that is being restored; 0: for
  // ever.
  Status start(const std::optional<wire::JoinToken>& token,
               std::chrono::seconds give_up_after = kGiveUpAfter);
  static constexpr std::chrono::seconds kGiveUpAfter{30};

  // Changes to a new key, whatever dies meanwhile. A change that was begun before is ended first:
  // its key is not new any more.
  Status renew_key();
  const wire::KeyPair& key() const;  // that this node uses now
  int socket() const { return socket_; }
  void handle(const wire::Incoming& incoming);
  // Tells the cloud when it is full; takes nothing while not even its reserve is left.
  void watch(const DiskGuard* disk) { disk_ = disk; }
  const Cloud& cloud() const { return cloud_; }
  std::string host() const;  // of the cloud: "tcp://HOST" without the port

  // Inside a unit: a message that will reach the cloud, whatever dies meanwhile.
  template <class Message>
  void send(const Message& message) {
    append(Message::type, wire::encode(message), message.key);
  }
  void append(wire::Type type, const std::string& payload, const wire::TaskKey& key);
  // So much waits for the cloud that no more work should begin: results are never dropped.
  bool full() const { return next_seq_ - 1 - acked_ >= kOutboxQuota; }
  // Tells the cloud that this host ends. As with all that is not sequenced, it may get lost.
  void leave();
  // Now or never; what is left out is counted, and the next one says how many were.
  void report(wire::TaskReported report);

 private:
  using Clock = Loop::Clock;
  enum class State { joining, greeting, up };

  static constexpr std::uint64_t kOutboxQuota = 2048;  // messages, of at most 64 KiB

  Status connect(const wire::KeyPair& key);
  void received(wire::Reception reception);
  void look_at_receptions(Clock::time_point now);
  void give_up(const std::string& message);
  void announce_key(Clock::time_point now);
  void use_new_key(const wire::NewKeyNoted& noted);
  void settle_key();
  void begin_outbox();
  void renew_outbox();
  void join();
  void greet();
  void joined();
  void welcome(const wire::Welcome& welcome);
  void refuse(const wire::Refused& refused, std::uint64_t session);
  void take(const wire::Received& frame);
  void acknowledge();
  void acknowledged(std::uint64_t seq);
  void transmit();
  void send_again_after(std::uint64_t seq);
  void tick();
  std::string meta(const std::string& key);
  void set_meta(const std::string& key, const std::string& value);
  template <class Message>
  void send_now(const Message& message);

  Loop& loop_;
  Unit& unit_;
  wire::Transport& transport_;
  KeyRing keys_;
  bool with_successor_ = false;  // it is the new key that is tried now
  bool change_again_ = false;    // once the change that goes on has ended
  Listener& listener_;
  const DiskGuard* disk_ = nullptr;
  std::unique_ptr<Loop::Alarm> alarm_;
  std::optional<wire::JoinToken> token_;
  Cloud cloud_;
  int socket_ = -1;
  std::uint64_t connection_ = 0;  // the last one that was begun
  State state_ = State::greeting;
  bool given_up_ = false;
  std::chrono::seconds give_up_after_ = kGiveUpAfter;
  // How the cloud has taken each attempt to connect since this moment; nothing: not refused.
  std::optional<Clock::time_point> refused_since_;
  wire::Reception refused_as_ = wire::Reception::welcome;
  int refusals_ = 0;
  std::optional<Clock::time_point> change_key_at_;  // the other one may be the one that is known
  Clock::time_point announced_{};
  std::shared_ptr<Link*> self_;  // what other threads hold; empty once this is gone
  std::uint64_t session_ = 0;
  std::uint32_t credit_ = 1;
  Clock::time_point heard_{};   // from the cloud
  Clock::time_point spoken_{};  // to it
  Clock::time_point pinged_{};
  Clock::time_point started_{};
  std::chrono::milliseconds ask_again_{100};
  Clock::duration patience_ = std::chrono::milliseconds(100);  // ask_again_, more or less
  std::uint64_t left_out_ = 0;  // progress reports, since the last one that was sent
  bool warned_ = false;
  bool told_up_ = false;
  // Uplink
  std::uint64_t next_seq_ = 1;
  std::uint64_t sent_ = 0;
  std::uint64_t acked_ = 0;
  std::deque<std::pair<std::uint64_t, std::size_t>>
      in_flight_;  // number and bytes of what was sent
  std::size_t bytes_in_flight_ = 0;
  Clock::time_point progress_{};
  // Downlink
  std::uint64_t inbox_seq_ = 0;        // last one recorded, in the unit that is open perhaps
  std::uint64_t inbox_committed_ = 0;  // what may be acknowledged
  bool ack_due_ = false;
};

}  // namespace skerry::engine::edge
