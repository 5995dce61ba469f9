#include "core/wire/codec.hpp"
#include "core/wire/keys.hpp"
#include "skerry_fbs/session_generated.h"

namespace skerry::wire {
namespace {

std::string key_in(Reader& reader, const flatbuffers::String* from) {
  std::string key = reader.text(from, "public_key");
  if (!is_z85_key(key)) reader.refuse("public_key", "must be a CURVE key: 40 characters of Z85");
  return key;
}

}  // namespace

template <>
std::string encode(const Hello& m) {
  Builder b;
  const auto node = b.CreateString(m.node);
  const auto version = b.CreateString(m.version);
  const auto outbox = b.CreateString(m.outbox);
  const auto epoch = b.CreateString(m.cloud_epoch);
  const auto tasks = encode_keys(b, m.tasks);
  return finish(b, fbs::CreateHello(b, m.protocol, node, version, outbox, m.lowest_seq,
                                    m.highest_seq, m.inbox_seq, epoch, tasks));
}

template <>
Result<Hello> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "hello", kMaxTables);
  Hello m;
  if (const auto* from = reader.root<fbs::Hello>()) {
    m.protocol = from->protocol();
    m.node = reader.node(from->node(), "node");
    m.version = reader.optional_id(from->version(), "version");
    m.outbox = reader.optional_id(from->outbox(), "outbox");
    m.lowest_seq = reader.sequence(from->lowest_seq(), "lowest_seq", kMaxClaim);
    m.highest_seq = reader.sequence(from->highest_seq(), "highest_seq", kMaxClaim);
    m.inbox_seq = reader.sequence(from->inbox_seq(), "inbox_seq", kMaxClaim);
    m.cloud_epoch = reader.optional_id(from->cloud_epoch(), "cloud_epoch");
    m.tasks = reader.keys(from->tasks(), "tasks");
    if (m.lowest_seq > m.highest_seq) reader.refuse("lowest_seq", "is above highest_seq");
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const Welcome& m) {
  Builder b;
  const auto epoch = b.CreateString(m.cloud_epoch);
  const auto tasks = encode_keys(b, m.tasks);
  const auto outbox = b.CreateString(m.outbox);
  return finish(b, fbs::CreateWelcome(b, m.session, epoch, m.uplink_seq, m.downlink_seq, m.credit,
                                      m.bulk_port, tasks, outbox, m.request_port));
}

template <>
Result<Welcome> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "welcome", kMaxTables);
  Welcome m;
  if (const auto* from = reader.root<fbs::Welcome>()) {
    m.session = from->session();
    m.cloud_epoch = reader.optional_id(from->cloud_epoch(), "cloud_epoch");
    m.uplink_seq = reader.sequence(from->uplink_seq(), "uplink_seq", kMaxSequence);
    m.downlink_seq = reader.sequence(from->downlink_seq(), "downlink_seq", kMaxSequence);
    m.credit = from->credit();
    m.bulk_port = from->bulk_port();
    m.tasks = reader.keys(from->tasks(), "tasks");
    m.outbox = reader.optional_id(from->outbox(), "outbox");
    m.request_port = from->request_port();
    if (m.request_port > 65535) reader.refuse("request_port", "must be 0 to 65535");
    if (m.bulk_port > 65535) reader.refuse("bulk_port", "must be 0 to 65535");
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const Refused& m) {
  Builder b;
  const auto code = b.CreateString(m.code);
  const auto message = b.CreateString(m.message);
  return finish(b, fbs::CreateRefused(b, code, message, m.retry));
}

template <>
Result<Refused> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "refused", kMaxTables);
  Refused m;
  if (const auto* from = reader.root<fbs::Refused>()) {
    m.code = reader.optional_id(from->code(), "code");
    m.message = reader.message(from->message(), "message");
    m.retry = from->retry();
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const Join& m) {
  Builder b;
  const auto node = b.CreateString(m.node);
  const auto key = b.CreateString(m.public_key);
  return finish(b, fbs::CreateJoin(b, node, key));
}

template <>
Result<Join> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "join", kMaxTables);
  Join m;
  if (const auto* from = reader.root<fbs::Join>()) {
    m.node = reader.node(from->node(), "node");
    m.public_key = key_in(reader, from->public_key());
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const NewKey& m) {
  Builder b;
  const auto key = b.CreateString(m.public_key);
  return finish(b, fbs::CreateNewKey(b, key));
}

template <>
Result<NewKey> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "new_key", kMaxTables);
  NewKey m;
  if (const auto* from = reader.root<fbs::NewKey>())
    m.public_key = key_in(reader, from->public_key());
  return reader.finish(std::move(m));
}

template <>
std::string encode(const NewKeyNoted& m) {
  Builder b;
  const auto key = b.CreateString(m.public_key);
  return finish(b, fbs::CreateNewKeyNoted(b, key));
}

template <>
Result<NewKeyNoted> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "new_key_noted", kMaxTables);
  NewKeyNoted m;
  if (const auto* from = reader.root<fbs::NewKeyNoted>())
    m.public_key = key_in(reader, from->public_key());
  return reader.finish(std::move(m));
}

template <>
std::string encode(const RenewKey& m) {
  Builder b;
  const auto reason = b.CreateString(m.reason);
  return finish(b, fbs::CreateRenewKey(b, reason));
}

template <>
Result<RenewKey> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "renew_key", kMaxTables);
  RenewKey m;
  if (const auto* from = reader.root<fbs::RenewKey>())
    m.reason = reader.message(from->reason(), "reason");
  return reader.finish(std::move(m));
}

template <>
std::string encode(const Joined& m) {
  Builder b;
  const auto node = b.CreateString(m.node);
  return finish(b, fbs::CreateJoined(b, node));
}

template <>
Result<Joined> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "joined", kMaxTables);
  Joined m;
  if (const auto* from = reader.root<fbs::Joined>()) m.node = reader.node(from->node(), "node");
  return reader.finish(std::move(m));
}

}  // namespace skerry::wire
