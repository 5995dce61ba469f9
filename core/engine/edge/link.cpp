#include "core/engine/edge/link.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/version.hpp"

namespace skerry::engine::edge {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 50ms;
constexpr auto kPing = 2s;  // also how soon a restarted cloud is noticed
constexpr auto kSilence = 15s;
constexpr auto kAskAgain = 100ms;  // Join and Hello at first, then twice as long each time
constexpr auto kAskAgainAtMost = 1000ms;
constexpr auto kResendAfter = 3s;
constexpr auto kWarnAfter = 5s;
constexpr std::size_t kBytesInFlight = 2u << 20;                   // of sequenced messages
constexpr std::size_t kGreetingRoom = wire::kControlLimit - 4096;  // for the names of tasks

// As many as fit into a HELLO. The cloud believes that one it waits for and does not find is lost,
// and does its work again; it never has so many tasks open on a node.
void fit(std::vector<wire::TaskKey>& tasks) {
  std::size_t room = kGreetingRoom;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const std::size_t size = wire::encoded_size(tasks[i]);
    if (size > room) return tasks.resize(i);
    room -= size;
  }
}

}  // namespace

Link::Link(Loop& loop, Unit& unit, wire::Transport& transport, KeyRing keys, Listener& listener)
    : loop_(loop),
      unit_(unit),
      transport_(transport),
      keys_(std::move(keys)),
      listener_(listener),
      self_(std::make_shared<Link*>(this)) {}

Link::~Link() {
  *self_ = nullptr;
}

std::string Link::meta(const std::string& key) {
  auto select = unit_.sql("SELECT value FROM meta WHERE key = ?");
  select.bind(1, key);
  return must(select.step()) ? select.column_text(0) : std::string();
}

void Link::set_meta(const std::string& key, const std::string& value) {
  must(unit_.sql("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)")
           .bind(1, key)
           .bind(2, value)
           .run());
}

std::string Link::host() const {
  return cloud_.endpoint.substr(0, cloud_.endpoint.rfind(':'));
}

Status Link::start(const std::optional<wire::JoinToken>& token,
                   std::chrono::seconds give_up_after) {
  give_up_after_ = give_up_after;
  cloud_ = {meta("node"), meta("endpoint"), meta("server_key")};
  const bool known = !cloud_.node.empty();
  if (!known && !token) {
    return fail(Code::failed_precondition,
                "this state directory has not joined a cloud yet; start once with --join TOKEN "
                "(an operator of the cloud makes one with `skerry node token NAME`)");
  }
  if (known && token && (token->node != cloud_.node || token->server_key != cloud_.server_key)) {
    return fail(Code::failed_precondition,
                fmt::format("this state directory belongs to node `{}` at {}; the token is for "
                            "node `{}` at {}: use another --state",
                            cloud_.node, cloud_.endpoint, token->node, token->endpoint));
  }
  {
    const Unit::Scope scope(unit_);
    if (meta("outbox").empty()) {
      begin_outbox();
      set_meta("inbox_seq", "0");
    }
  }
  inbox_seq_ = inbox_committed_ = std::stoull(meta("inbox_seq"));
  next_seq_ = std::stoull(meta("next_seq"));
  acked_ = next_seq_ - 1;
  auto lowest = unit_.sql("SELECT min(seq) FROM outbox");
  if (must(lowest.step()) && !lowest.column_is_null(0))
    acked_ = static_cast<std::uint64_t>(lowest.column_int(0)) - 1;
  started_ = loop_.now();
  tick();
  if (known) {
    SKERRY_TRY(connect(key()));
    greet();
    return {};
  }
  token_ = token;
  cloud_ = {token->node, token->endpoint, token->server_key};
  SKERRY_ASSIGN(const auto one_time, wire::KeyPair::from_secret(token->secret_key));
  SKERRY_TRY(connect(one_time));
  join();
  return {};
}

Status Link::connect(const wire::KeyPair& key) {
  if (socket_ >= 0) transport_.disconnect(socket_);
  // What is told of a connection that was given up meanwhile says nothing of this one.
  const auto hand_over = [&loop = loop_, self = self_,
                          connection = ++connection_](wire::Reception reception) {
    loop.post([self, connection, reception] {
      if (*self != nullptr && (*self)->connection_ == connection) (*self)->received(reception);
    });
  };
  SKERRY_ASSIGN(socket_, transport_.connect_dealer({.endpoint = cloud_.endpoint,
                                                    .curve = key,
                                                    .server_key = cloud_.server_key,
                                                    .max_message = wire::kControlLimit,
                                                    .queue_while_disconnected = false,
                                                    .on_reception = hand_over}));
  return {};
}

template <class Message>
void Link::send_now(const Message& message) {
  spoken_ = loop_.now();
  transport_.send(socket_, {}, wire::frame(session_, 0, inbox_committed_, message));
}

void Link::join() {
  state_ = State::joining;
  send_now(wire::Join{cloud_.node, key().public_key});
}

void Link::joined() {
  if (state_ != State::joining) return;
  {
    const Unit::Scope scope(unit_);
    set_meta("node", cloud_.node);
    set_meta("endpoint", cloud_.endpoint);
    set_meta("server_key", cloud_.server_key);
    SKERRY_FAILPOINT("edge.join.recorded");
  }
  log_info(fmt::format("joined {} as node {}", cloud_.endpoint, cloud_.node));
  must(connect(key()));
  greet();
}

void Link::greet() {
  state_ = State::greeting;
  told_up_ = false;
  session_ = 0;
  wire::Hello hello;
  hello.node = cloud_.node;
  hello.version = kVersion;
  hello.outbox = meta("outbox");
  hello.lowest_seq = acked_ + 1 < next_seq_ ? acked_ + 1 : 0;
  hello.highest_seq = next_seq_ - 1;
  hello.inbox_seq = inbox_committed_;
  hello.cloud_epoch = meta("cloud_epoch");
  hello.tasks = listener_.tasks();
  fit(hello.tasks);
  send_now(hello);
}

// Each HELLO opens a session, and over a slow link several were sent: the last one counts. An
// answer to one that told of an outbox which has been given up since speaks of other numbers.
void Link::welcome(const wire::Welcome& welcome) {
  if (state_ == State::joining || welcome.outbox != meta("outbox")) return;
  const Unit::Scope scope(unit_);
  settle_key();
  if (welcome.uplink_seq >= next_seq_) return renew_outbox();
  state_ = State::up;
  ask_again_ = kAskAgain;
  patience_ = kAskAgain;
  session_ = welcome.session;
  credit_ = std::max(1u, welcome.credit);
  if (welcome.cloud_epoch == meta("cloud_epoch")) {
    inbox_seq_ = std::max(inbox_seq_, welcome.downlink_seq);
  } else {
    set_meta("cloud_epoch", welcome.cloud_epoch);
    inbox_seq_ = welcome.downlink_seq;  // another cloud's numbers
  }
  set_meta("inbox_seq", std::to_string(inbox_seq_));
  unit_.after_commit([this] { inbox_committed_ = inbox_seq_; });
  SKERRY_FAILPOINT("edge.session.recorded");
  acknowledged(welcome.uplink_seq);
  send_again_after(acked_);
  progress_ = loop_.now();
  if (!std::exchange(told_up_, true))
    log_info(fmt::format("connected to {} as node {}", cloud_.endpoint, cloud_.node));
  warned_ = true;
  // What this node has been given since is not in a list that was made before.
  if (inbox_seq_ == welcome.downlink_seq) listener_.awaited(welcome.tasks);
  listener_.welcomed(welcome);
  unit_.after_commit([this] { transmit(); });
}

// The cloud has more of this outbox than was ever put into it: this state directory was restored
// from a backup. Its next messages would pass for repetitions; in an outbox of their own they
// don't.
void Link::renew_outbox() {
  log_warn(
      "this state directory is older than what the cloud has had from it; its outbox begins anew");
  begin_outbox();
  must(unit_.sql("UPDATE outbox SET seq = -seq").run());
  std::vector<std::int64_t> rows;
  {
    auto select = unit_.sql("SELECT seq FROM outbox ORDER BY seq DESC");
    while (must(select.step())) rows.push_back(select.column_int(0));
  }
  for (const std::int64_t row : rows)
    must(unit_.sql("UPDATE outbox SET seq = ? WHERE seq = ?")
             .bind(1, next_seq_++)
             .bind(2, row)
             .run());
  set_meta("next_seq", std::to_string(next_seq_));
  acked_ = 0;
  send_again_after(0);
  unit_.after_commit([this] { greet(); });
}

void Link::begin_outbox() {
  const auto random = must(wire::KeyPair::generate());
  set_meta("outbox", digest_of(as_bytes(random.public_key)).hex().substr(0, 32));
  set_meta("next_seq", "1");
  next_seq_ = 1;
}

void Link::leave() {
  given_up_ = true;
  if (state_ == State::joining) return;
  transport_.send(socket_, {}, wire::frame({wire::Type::bye, session_, 0, inbox_committed_}, {}));
  state_ = State::greeting;
}

void Link::refuse(const wire::Refused& refused, std::uint64_t session) {
  if (refused.retry) {
    if (state_ == State::up && session == session_) greet();
    return;
  }
  give_up(
      fmt::format("{} refuses this node: {} ({})", cloud_.endpoint, refused.message, refused.code));
}

void Link::handle(const wire::Incoming& incoming) {
  if (given_up_) return;
  const auto frame = wire::parse_frame(incoming.data, wire::kControlLimit);
  if (!frame && frame.error().code == Code::failed_precondition)
    return give_up(
        fmt::format("{} speaks another protocol: {}", cloud_.endpoint, frame.error().message));
  if (!frame) return log_warn("a frame from the cloud is refused: " + frame.error().text());
  heard_ = loop_.now();
  switch (frame->header.type) {
    case wire::Type::joined:
      return joined();
    case wire::Type::welcome:
      if (const auto message = wire::decode<wire::Welcome>(frame->payload())) welcome(*message);
      return;
    case wire::Type::refused:
      if (const auto message = wire::decode<wire::Refused>(frame->payload()))
        refuse(*message, frame->header.session);
      return;
    default:
      if (state_ == State::up && frame->header.session == session_) take(*frame);
  }
}

void Link::take(const wire::Received& frame) {
  acknowledged(frame.header.ack);
  switch (frame.header.type) {
    case wire::Type::start_task:
    case wire::Type::stop_task:
    case wire::Type::task_refused:
    case wire::Type::forget_job:
    case wire::Type::renew_key: {
      if (disk_ != nullptr && disk_->critical()) return;  // it comes again
      const Unit::Scope scope(unit_);
      acknowledge();
      if (frame.header.seq != inbox_seq_ + 1)
        return;  // a repetition, or a gap that go-back-N will fill
      inbox_seq_ = frame.header.seq;
      set_meta("inbox_seq", std::to_string(inbox_seq_));
      SKERRY_FAILPOINT("edge.downlink.counted");
      return listener_.message(frame);
    }
    case wire::Type::new_key_noted:
      if (const auto noted = wire::decode<wire::NewKeyNoted>(frame.payload())) use_new_key(*noted);
      return;
    default:
      return;  // pong, ack: heard and counted above
  }
}

// Once for all that this unit commits.
void Link::acknowledge() {
  if (std::exchange(ack_due_, true)) return;
  unit_.after_commit([this] {
    ack_due_ = false;
    inbox_committed_ = inbox_seq_;
    transport_.send(socket_, {}, wire::frame({wire::Type::ack, session_, 0, inbox_committed_}, {}));
    SKERRY_FAILPOINT("edge.ack.sent");
  });
}

void Link::acknowledged(std::uint64_t seq) {
  if (seq <= acked_ || seq >= next_seq_) return;
  const Unit::Scope scope(unit_);
  std::vector<wire::TaskKey> keys;
  {
    auto select = unit_.sql("SELECT job, task FROM outbox WHERE seq <= ?");
    select.bind(1, seq);
    while (must(select.step())) keys.push_back({select.column_text(0), select.column_text(1)});
  }
  must(unit_.sql("DELETE FROM outbox WHERE seq <= ?").bind(1, seq).run());
  acked_ = seq;
  while (!in_flight_.empty() && in_flight_.front().first <= seq) {
    bytes_in_flight_ -= in_flight_.front().second;
    in_flight_.pop_front();
  }
  progress_ = loop_.now();
  for (const auto& key : keys) listener_.delivered(key);
  SKERRY_FAILPOINT("edge.uplink.delivered");
  unit_.after_commit([this] { transmit(); });
}

void Link::append(wire::Type type, const std::string& payload, const wire::TaskKey& key) {
  must(unit_.sql("INSERT INTO outbox(seq, type, payload, job, task) VALUES(?, ?, ?, ?, ?)")
           .bind(1, next_seq_)
           .bind(2, static_cast<int>(type))
           .bind(3, as_bytes(payload))
           .bind(4, key.job)
           .bind(5, key.task)
           .run());
  set_meta("next_seq", std::to_string(++next_seq_));
  SKERRY_FAILPOINT("edge.uplink.appended");
  unit_.after_commit([this] { transmit(); });
}

void Link::transmit() {
  const std::uint64_t last = std::min(next_seq_ - 1, acked_ + credit_);
  if (state_ != State::up || sent_ >= last) return;
  if (sent_ == acked_) progress_ = loop_.now();
  auto select =
      unit_.sql("SELECT seq, type, payload FROM outbox WHERE seq > ? AND seq <= ? ORDER BY seq");
  select.bind(1, sent_).bind(2, last);
  while (bytes_in_flight_ < kBytesInFlight && must(select.step())) {
    sent_ = static_cast<std::uint64_t>(select.column_int(0));
    std::string frame = wire::frame(
        {static_cast<wire::Type>(select.column_int(1)), session_, sent_, inbox_committed_},
        select.column_blob(2));
    in_flight_.emplace_back(sent_, frame.size());
    bytes_in_flight_ += frame.size();
    transport_.send(socket_, {}, std::move(frame));
  }
  SKERRY_FAILPOINT("edge.uplink.sent");
  spoken_ = loop_.now();
}

void Link::send_again_after(std::uint64_t seq) {
  sent_ = seq;
  in_flight_.clear();
  bytes_in_flight_ = 0;
}

void Link::report(wire::TaskReported report) {
  if (state_ != State::up) {
    ++left_out_;
    return;
  }
  report.left_out = std::exchange(left_out_, 0);
  send_now(report);
}

void Link::tick() {
  alarm_ = loop_.after(kTick, [this] {
    if (given_up_) return;
    const auto now = loop_.now();
    look_at_receptions(now);
    if (given_up_) return;
    if (state_ == State::up) announce_key(now);
    if (state_ != State::up) {
      if (now - spoken_ > patience_) {
        ask_again_ = std::min(2 * ask_again_, kAskAgainAtMost);
        // Many edges that lost the same cloud must not ask all at once.
        patience_ =
            std::chrono::duration_cast<Clock::duration>(ask_again_ * (0.5 + loop_.random()));
        state_ == State::joining ? join() : greet();
      }
      if (now - started_ > kWarnAfter && !std::exchange(warned_, true)) {
        log_warn(
            fmt::format("no answer from {} yet; trying on. Is the address right, is the cloud "
                        "running, does a firewall stop "
                        "the connection, was this node revoked?",
                        cloud_.endpoint));
      }
    } else if (now - heard_ > kSilence) {
      log_warn(fmt::format("the cloud has not been heard for {} s; greeting it again",
                           kSilence.count()));
      greet();
    } else if (sent_ > acked_ && now - progress_ > kResendAfter) {
      send_again_after(acked_);
      transmit();
    } else if (now - std::min(spoken_, heard_) > kPing && now - pinged_ > kPing) {
      // Also where much is said that the cloud need not answer.
      spoken_ = pinged_ = now;
      transport_.send(socket_, {},
                      wire::frame({wire::Type::ping, session_, 0, inbox_committed_},
                                  disk_ != nullptr ? disk_->text() : std::string()));
    }
    tick();
  });
}

}  // namespace skerry::engine::edge
