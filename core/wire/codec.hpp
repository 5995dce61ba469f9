// Between FlatBuffers and plain structs: what all codec_*.cpp share. Internal to core/wire.
#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/wire/messages.hpp"
#include "skerry_fbs/common_generated.h"

namespace skerry::wire {

// ---- encoding

using Builder = flatbuffers::FlatBufferBuilder;
template <class T>
using Offset = flatbuffers::Offset<T>;
template <class T>
using TableVector = flatbuffers::Vector<Offset<T>>;
using ByteVector = flatbuffers::Vector<std::uint8_t>;

fbs::Digest encode_digest(const Digest& digest);
Offset<ByteVector> encode_bytes(Builder& builder, std::string_view bytes);
Offset<fbs::TaskKey> encode_key(Builder& builder, const TaskKey& key);
Offset<TableVector<fbs::TaskKey>> encode_keys(Builder& builder, const std::vector<TaskKey>& keys);
Offset<TableVector<fbs::Artifact>> encode_artifacts(Builder& builder,
                                                    const std::vector<Artifact>& artifacts);
Offset<TableVector<fbs::Metric>> encode_metrics(Builder& builder,
                                                const std::map<std::string, double>& metrics);

template <class Table>
std::string finish(Builder& builder, Offset<Table> root) {
  builder.Finish(root);
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

// ---- decoding

inline constexpr std::size_t kMaxEntries = 4096;  // of a vector in a message from another machine
inline constexpr std::size_t kMaxLocalEntries = 65536;  // from a worker or its host
// Of a message: no honest sender gets near it, and one more never overflows, here or in SQLite.
// What an edge claims may be half of it, so that a cloud which goes on from there can still say so.
inline constexpr std::uint64_t kMaxSequence = std::uint64_t{1} << 62;
inline constexpr std::uint64_t kMaxClaim = kMaxSequence / 2;
inline constexpr flatbuffers::uoffset_t kMaxDepth = 16;
inline constexpr flatbuffers::uoffset_t kMaxTables = 4096;
inline constexpr flatbuffers::uoffset_t kMaxLocalTables = 4 * 65536;

// Copies fields out and checks their meaning; keeps the first problem and goes on, so that a
// decoder is one plain list of fields. All text together may not exceed the payload: a hostile
// message could name one string many times.
class Reader {
 public:
  // `payload` must outlive the reader unless it is misaligned, which makes the reader copy it.
  Reader(Bytes payload, const char* message, flatbuffers::uoffset_t max_tables);

  // Null where the payload is no such table; problem() then says so.
  template <class Table>
  const Table* root() {
    flatbuffers::Verifier verifier(data_, size_, kMaxDepth, max_tables_);
    if (size_ == 0 || !verifier.VerifyBuffer<Table>(nullptr)) {
      refuse("", "is malformed, or larger than the limits allow");
      return nullptr;
    }
    return flatbuffers::GetRoot<Table>(data_);
  }

  std::string text(const flatbuffers::String* from, const char* field);  // any bytes
  std::string message(const flatbuffers::String* from,
                      const char* field);  // for people: no control characters
  std::string id(const flatbuffers::String* from, const char* field);
  std::string optional_id(const flatbuffers::String* from, const char* field);  // or empty
  std::string node(const flatbuffers::String* from, const char* field);
  std::string bytes(const ByteVector* from, const char* field);
  std::uint64_t sequence(std::uint64_t from, const char* field, std::uint64_t most);
  Digest digest(const fbs::Digest* from, const char* field);
  TaskKey key(const fbs::TaskKey* from, const char* field = "key");
  std::vector<TaskKey> keys(const TableVector<fbs::TaskKey>* from, const char* field);
  std::vector<Artifact> artifacts(const TableVector<fbs::Artifact>* from, const char* field);
  std::map<std::string, double> metrics(const TableVector<fbs::Metric>* from, const char* field);

  // False, with a problem, where there are too many.
  template <class Vector>
  bool count(const Vector* from, const char* field, std::size_t limit = kMaxEntries) {
    if (!from) return false;
    if (from->size() <= limit) return true;
    refuse(field, "has more entries than are allowed");
    return false;
  }

  void refuse(const char* field, std::string_view why);

  template <class Message>
  Result<Message> finish(Message&& message) {
    if (problem_) return fail(*problem_);
    return std::move(message);
  }

 private:
  bool spend(std::size_t size, const char* field);

  std::unique_ptr<std::byte[]> copy_;
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t budget_;
  const char* message_;
  flatbuffers::uoffset_t max_tables_;
  std::size_t inline_bytes_ = 0;
  std::optional<Problem> problem_;
};

}  // namespace skerry::wire
