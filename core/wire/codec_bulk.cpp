#include "core/wire/codec.hpp"
#include "skerry_fbs/bulk_generated.h"

namespace skerry::wire {

template <>
std::string encode(const BlobGet& m) {
  Builder b;
  const auto digest = encode_digest(m.digest);
  return finish(b, fbs::CreateBlobGet(b, &digest, m.offset, m.length));
}

template <>
Result<BlobGet> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "blob_get", kMaxTables);
  BlobGet m;
  if (const auto* from = reader.root<fbs::BlobGet>()) {
    m.digest = reader.digest(from->digest(), "digest");
    m.offset = from->offset();
    m.length = from->length();
    if (m.length > kChunkSize) reader.refuse("length", "must be at most 256 KiB");
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const BlobPut& m) {
  Builder b;
  const auto digest = encode_digest(m.digest);
  return finish(b, fbs::CreateBlobPut(b, &digest, m.size));
}

template <>
Result<BlobPut> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "blob_put", kMaxTables);
  BlobPut m;
  if (const auto* from = reader.root<fbs::BlobPut>()) {
    m.digest = reader.digest(from->digest(), "digest");
    m.size = from->size();
    if (m.size > (std::uint64_t{1} << 62)) reader.refuse("size", "is larger than a file can be");
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const BlobPutReply& m) {
  Builder b;
  const auto digest = encode_digest(m.digest);
  return finish(b, fbs::CreateBlobPutReply(b, &digest, m.offset, m.credit, m.complete));
}

template <>
Result<BlobPutReply> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "blob_put_reply", kMaxTables);
  BlobPutReply m;
  if (const auto* from = reader.root<fbs::BlobPutReply>()) {
    m.digest = reader.digest(from->digest(), "digest");
    m.offset = from->offset();
    m.credit = from->credit();
    m.complete = from->complete();
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const BlobPutAck& m) {
  Builder b;
  const auto digest = encode_digest(m.digest);
  return finish(b, fbs::CreateBlobPutAck(b, &digest, m.received, m.durable, m.complete));
}

template <>
Result<BlobPutAck> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "blob_put_ack", kMaxTables);
  BlobPutAck m;
  if (const auto* from = reader.root<fbs::BlobPutAck>()) {
    m.digest = reader.digest(from->digest(), "digest");
    m.received = from->received();
    m.durable = from->durable();
    m.complete = from->complete();
    if (m.durable > m.received) reader.refuse("durable", "is above received");
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const BlobError& m) {
  Builder b;
  const auto code = b.CreateString(m.code);
  const auto message = b.CreateString(m.message);
  const auto digest = encode_digest(m.digest);
  return finish(b, fbs::CreateBlobError(b, &digest, code, message));
}

template <>
Result<BlobError> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "blob_error", kMaxTables);
  BlobError m;
  if (const auto* from = reader.root<fbs::BlobError>()) {
    m.digest = reader.digest(from->digest(), "digest");
    m.code = reader.id(from->code(), "code");
    m.message = reader.message(from->message(), "message");
  }
  return reader.finish(std::move(m));
}

}  // namespace skerry::wire
