// A Link's keys: what it does when the cloud does not let it in, and how a new key takes the old
// one's place.
#include <fmt/format.h>

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/engine/edge/link.hpp"

namespace skerry::engine::edge {
namespace {

using namespace std::chrono_literals;

constexpr auto kChangeKeyAfter = 1s;
constexpr auto kAnnounceAgain = 2s;
constexpr int kFewRefusals = 3;
// A broken handshake can be the fault of the network; only of a cloud that is joined it is believed
// to get better.
constexpr int kMorePatience = 10;

}  // namespace

const wire::KeyPair& Link::key() const {
  return with_successor_ ? *keys_.successor() : keys_.key();
}

// ---- how the cloud takes attempts to connect

void Link::received(wire::Reception reception) {
  if (given_up_) return;
  if (reception == wire::Reception::welcome) {
    refused_since_.reset();
    // The cloud knows sessions by their connection: this one has none yet.
    return state_ == State::joining ? join() : greet();
  }
  const auto now = loop_.now();
  if (!refused_since_ || refused_as_ != reception) {
    refused_since_ = now;
    refused_as_ = reception;
    refusals_ = 0;
    if (reception == wire::Reception::key_refused) {
      log_warn(fmt::format(
          "the cloud at {} does not know this {}; trying on{}", cloud_.endpoint,
          state_ == State::joining ? "token" : "node's key",
          give_up_after_ == 0s ? "" : fmt::format(" for {} s", give_up_after_.count())));
    }
  }
  ++refusals_;
  if (reception == wire::Reception::key_refused && state_ != State::joining && keys_.successor() &&
      !change_key_at_) {
    change_key_at_ = now + kChangeKeyAfter;
  }
}

void Link::look_at_receptions(Clock::time_point now) {
  if (change_key_at_ && now >= *change_key_at_) {
    change_key_at_.reset();
    with_successor_ = keys_.successor() && !with_successor_;
    must(connect(key()));
    greet();
  }
  if (!refused_since_ || give_up_after_ == 0s || refusals_ < kFewRefusals) return;
  const bool known = state_ != State::joining;
  const bool key_refused = refused_as_ == wire::Reception::key_refused;
  const auto patience = known && !key_refused ? kMorePatience * give_up_after_ : give_up_after_;
  if (now - *refused_since_ < patience) return;
  if (!key_refused) {
    return give_up(fmt::format(
        "what listens at {} breaks the handshake off: it has another key than the cloud that {} "
        "for, or is no skerry-cloud, or something in between closes the connections. Is the "
        "address right? Was the cloud set up anew? Then join it anew, with a token of its own and "
        "another --state",
        cloud_.endpoint, known ? fmt::format("node `{}` was made", cloud_.node) : "the token is"));
  }
  if (known) {
    return give_up(fmt::format(
        "the cloud at {} does not know the key of node `{}`: the node was revoked, or the cloud's "
        "state is another one now. To let this machine in as a new node: `skerry node token NAME` "
        "on the cloud, and skerry-edge with --join and another --state",
        cloud_.endpoint, cloud_.node));
  }
  give_up(fmt::format(
      "the cloud at {} does not know this token: a newer one was made for node `{}`, or the node "
      "was revoked, or the cloud's state is another one now. Ask for a new one: `skerry node token "
      "{}`",
      cloud_.endpoint, cloud_.node, cloud_.node));
}

void Link::give_up(const std::string& message) {
  if (std::exchange(given_up_, true)) return;
  listener_.refused(message);
}

// ---- a new key

Status Link::renew_key() {
  change_again_ = keys_.successor().has_value();
  SKERRY_TRY(keys_.prepare());
  SKERRY_FAILPOINT("edge.key.prepared");
  return {};
}

void Link::announce_key(Clock::time_point now) {
  if (!keys_.successor() || with_successor_ || now - announced_ < kAnnounceAgain) return;
  announced_ = spoken_ = now;
  transport_.send(
      socket_, {},
      wire::frame(session_, 0, inbox_committed_, wire::NewKey{keys_.successor()->public_key}));
}

// From now on the cloud lets both in.
void Link::use_new_key(const wire::NewKeyNoted& noted) {
  if (with_successor_ || !keys_.successor() || noted.public_key != keys_.successor()->public_key)
    return;
  with_successor_ = true;
  must(connect(key()));
  greet();
}

// The cloud has welcomed this key: it lets the other one in no more, if it was the new one.
void Link::settle_key() {
  change_key_at_.reset();
  if (!with_successor_) return;
  SKERRY_FAILPOINT("edge.key.welcomed");
  must(keys_.promote());
  with_successor_ = false;
  SKERRY_FAILPOINT("edge.key.promoted");
  log_info(fmt::format("node {} has a new key: {}", cloud_.node,
                       wire::key_fingerprint(key().public_key)));
  if (change_again_) must(renew_key());
}

}  // namespace skerry::engine::edge
