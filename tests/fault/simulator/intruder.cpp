#include "intruder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/base/bytes.hpp"
#include "core/engine/cloud/authorization.hpp"
#include "core/engine/unit.hpp"
#include "core/wire/envelope.hpp"
#include "work.hpp"

namespace skerry::simulator {
namespace {

using engine::must;

constexpr std::size_t kKept = 32;  // frames and tasks

template <class T>
const T& any_of(VirtualTime& time, const std::vector<T>& list) {
  return list[time.below(list.size())];
}

}  // namespace

Intruder::~Intruder() = default;

void Intruder::open() {
  loop_ = std::make_unique<HostLoop>(time_, *this);
  transport_ = network_.transport(*this);
  socket_ = must(transport_->connect_dealer(
      {.endpoint = {}, .curve = key_, .server_key = {}, .on_reception = {}}));
  attack();
}

void Intruder::close() {
  network_.gone(*this);
  transport_.reset();
}

void Intruder::receive(std::vector<wire::Incoming> batch) {
  for (const auto& incoming : batch) {
    const auto frame = wire::parse_frame(incoming.data, wire::kControlLimit);
    if (!frame) continue;
    if (frame->header.type == wire::Type::welcome) {
      session_ = frame->header.session;
      // Not to be read once it has driven the numbers between itself and the cloud too far.
      const auto welcome = wire::decode<wire::Welcome>(frame->payload());
      if (!welcome) continue;
      seq_ = welcome->uplink_seq;
      epoch_ = welcome->cloud_epoch;
    } else if (frame->header.type == wire::Type::start_task && tasks_.size() < kKept) {
      tasks_.push_back(must(wire::decode<wire::StartTask>(frame->payload())).key);
    }
  }
}

void Intruder::attack() {
  loop_->later(time_.between(0.1, 2.5), [this] {
    if (rests_) return;
    attack();
    // Much of it matters only inside a session.
    if (session_ == 0 || time_.chance(0.2)) return greet(time_.chance(0.6));
    switch (time_.below(7)) {
      case 0:
        return send_garbage();
      case 1:
        return send_bent_header();
      case 2:
        return send_bent_table();
      case 3:
        return answer_for_others();
      case 4:
        return claim_a_key();
      case 5:
        return ask_for_blobs();
      default:
        if (!sent_.empty()) send(any_of(time_, sent_));  // once more
    }
  });
}

void Intruder::send(std::string frame) {
  if (sent_.size() < kKept) {
    sent_.push_back(frame);
  } else {
    sent_[time_.below(kKept)] = frame;
  }
  transport_->send(socket_, {}, std::move(frame));
}

std::uint64_t Intruder::number() {
  static const std::vector<std::uint64_t> kLimits = [] {
    std::vector<std::uint64_t> limits{0, 1};
    for (const int bits : {16, 31, 32, 62, 63})
      for (const std::uint64_t off : {0, 1, 2}) limits.push_back((1ULL << bits) - 1 + off);
    limits.push_back(std::numeric_limits<std::uint64_t>::max());
    limits.push_back(std::numeric_limits<std::uint64_t>::max() - 1);
    return limits;
  }();
  return time_.chance(0.3) ? seq_ + time_.below(4) : any_of(time_, kLimits);
}

std::string Intruder::name() {
  return time_.chance(0.5) ? kName : victim_;
}

wire::TaskKey Intruder::task() {
  if (!tasks_.empty() && time_.chance(0.4)) return any_of(time_, tasks_);
  wire::TaskKey key{fmt::format("harvest.{}", 1 + time_.below(2)),
                    fmt::format("{}/train/{}", 1 + time_.below(4), name())};
  if (!tasks_.empty() && time_.chance(0.7)) {  // that of another in a round of its own
    const wire::TaskKey& own = any_of(time_, tasks_);
    key.job = own.job;
    if (const auto at = own.task.find(kName); at != own.task.npos)
      key.task = fmt::format("{}{}", own.task.substr(0, at), victim_);
  }
  return key;
}

// A greeting that is as it should be opens a session for what follows.
void Intruder::greet(bool honestly) {
  wire::Hello hello;
  hello.node = honestly ? kName : name();
  hello.version = std::string(1, '0');
  hello.outbox = std::string(32, honestly ? '0' : static_cast<char>('0' + time_.below(10)));
  hello.cloud_epoch = epoch_;
  if (!honestly) {
    hello.protocol = static_cast<std::uint32_t>(number());
    hello.lowest_seq = number();
    hello.highest_seq = std::max(hello.lowest_seq, number());
    hello.inbox_seq = number();
    for (std::uint64_t i = time_.below(20); i > 0; --i) hello.tasks.push_back(task());
  }
  send(wire::frame(0, 0, 0, hello));
}

void Intruder::send_garbage() {
  std::string bytes;
  if (time_.chance(0.5)) bytes = "SKRY";
  for (std::uint64_t i = time_.below(200); i > 0; --i)
    bytes.push_back(static_cast<char>(time_.below(256)));
  send(std::move(bytes));
}

std::string Intruder::some_payload(wire::Type& type) {
  switch (time_.below(4)) {
    case 0: {
      type = wire::Type::task_finished;
      wire::TaskFinished finished;
      finished.key = task();
      finished.result = R"({"samples":18446744073709551615})";
      finished.bytes_up = number();
      const std::string bytes = time_.chance(0.5) ? "no model" : std::string();
      finished.outputs.push_back({"update", digest_of(as_bytes(bytes)),
                                  time_.chance(0.7) ? bytes.size() : number(), bytes});
      if (finished.outputs[0].size != bytes.size()) finished.outputs[0].inline_data.clear();
      return wire::encode(finished);
    }
    case 1:
      type = wire::Type::task_failed;
      // Mostly of a kind for which no workflow tries again at once.
      return wire::encode(wire::TaskFailed{task(), time_.chance(0.9) ? "unsupported" : "crashed",
                                           "", "on purpose"});
    case 2:
      type = wire::Type::task_reported;
      return wire::encode(wire::TaskReported{task(), -1e308, {{"loss", 1e308}}});
    default:
      type = static_cast<wire::Type>(time_.below(130));
      return {};
  }
}

void Intruder::send_bent_header() {
  wire::Type type{};
  const std::string payload = some_payload(type);
  const std::uint64_t session = time_.chance(0.8) ? session_ : number();
  send(wire::frame({type, session, number(), number()}, payload));
}

// A payload that is broken inside a frame that is not.
void Intruder::send_bent_table() {
  wire::Type type{};
  std::string payload = some_payload(type);
  for (std::uint64_t i = 1 + time_.below(4); i > 0 && !payload.empty(); --i)
    payload[time_.below(payload.size())] ^= static_cast<char>(1 << time_.below(8));
  if (time_.chance(0.3)) payload.resize(time_.below(payload.size() + 1));
  send(wire::frame({type, session_, ++seq_, 0}, payload));
}

void Intruder::answer_for_others() {
  wire::Type type{};
  const std::string payload = some_payload(type);
  send(wire::frame({type, session_, ++seq_, number()}, payload));
}

void Intruder::claim_a_key() {
  // Its own, in use; anybody's; and one that is none.
  std::string key = time_.chance(0.5) ? key_.public_key : std::string(40, '1');
  if (time_.chance(0.2)) key.clear();
  send(wire::frame(session_, 0, 0, wire::NewKey{key}));
}

void Intruder::ask_for_blobs() {
  const std::string user = engine::cloud::user_id(engine::cloud::Role::node, kName);
  const Digest wanted = digest_of(as_bytes(time_.chance(0.5) ? first_model(4) : "nothing"));
  const std::uint64_t size = number();
  const bool put = time_.chance(0.5);
  cloud_.enter(cloud_.life(), [&] {
    put ? cloud_.access().admit(user, wanted, size, [](const auto&) {})
        : cloud_.access().resolve(user, wanted, [](const auto&) {});
  });
}

}  // namespace skerry::simulator
