#include "core/wire/codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "core/wire/names.hpp"

namespace skerry::wire {

// ---- encoding

fbs::Digest encode_digest(const Digest& digest) {
  return fbs::Digest(flatbuffers::span<const std::uint8_t, 32>(digest.bytes.data(), 32));
}

Offset<ByteVector> encode_bytes(Builder& builder, std::string_view bytes) {
  if (bytes.empty()) return 0;
  return builder.CreateVector(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

Offset<fbs::TaskKey> encode_key(Builder& builder, const TaskKey& key) {
  const auto job = builder.CreateString(key.job);
  const auto task = builder.CreateString(key.task);
  return fbs::CreateTaskKey(builder, job, task);
}

Offset<TableVector<fbs::TaskKey>> encode_keys(Builder& builder, const std::vector<TaskKey>& keys) {
  std::vector<Offset<fbs::TaskKey>> out;
  for (const auto& key : keys) out.push_back(encode_key(builder, key));
  return builder.CreateVector(out);
}

Offset<TableVector<fbs::Artifact>> encode_artifacts(Builder& builder,
                                                    const std::vector<Artifact>& artifacts) {
  std::vector<Offset<fbs::Artifact>> out;
  for (const auto& artifact : artifacts) {
    const auto name = builder.CreateString(artifact.name);
    const auto data = encode_bytes(builder, artifact.inline_data);
    const auto digest = encode_digest(artifact.digest);
    out.push_back(fbs::CreateArtifact(builder, name, &digest, artifact.size, data));
  }
  return builder.CreateVector(out);
}

Offset<TableVector<fbs::Metric>> encode_metrics(Builder& builder,
                                                const std::map<std::string, double>& metrics) {
  std::vector<Offset<fbs::Metric>> out;
  for (const auto& [name, value] : metrics) {
    const auto text = builder.CreateString(name);
    out.push_back(fbs::CreateMetric(builder, text, value));
  }
  return builder.CreateVector(out);
}

// ---- decoding

Reader::Reader(Bytes payload, const char* message, flatbuffers::uoffset_t max_tables)
    : data_(reinterpret_cast<const std::uint8_t*>(payload.data())),
      size_(payload.size()),
      budget_(payload.size()),
      message_(message),
      max_tables_(max_tables) {
  if (reinterpret_cast<std::uintptr_t>(data_) % 8 == 0) return;
  copy_ = std::make_unique<std::byte[]>(payload.size());
  std::copy(payload.begin(), payload.end(), copy_.get());
  data_ = reinterpret_cast<const std::uint8_t*>(copy_.get());
}

void Reader::refuse(const char* field, std::string_view why) {
  if (problem_) return;
  problem_ = Problem{
      Code::invalid_argument,
      fmt::format("a {} message was refused: {}{}{}", message_, field, *field ? " " : "it ", why),
      {},
      field};
}

bool Reader::spend(std::size_t size, const char* field) {
  if (size <= budget_) {
    budget_ -= size;
    return true;
  }
  refuse(field, "repeats text that the message holds only once");
  return false;
}

std::string Reader::text(const flatbuffers::String* from, const char* field) {
  if (!from || !spend(from->size(), field)) return {};
  return from->str();
}

std::string Reader::message(const flatbuffers::String* from, const char* field) {
  std::string out = text(from, field);
  const auto unprintable = [](unsigned char c) {
    return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
  };
  std::replace_if(out.begin(), out.end(), unprintable, '?');
  return out;
}

std::string Reader::id(const flatbuffers::String* from, const char* field) {
  std::string out = text(from, field);
  if (!is_id(out)) refuse(field, "must be 1 to 200 printable ASCII characters");
  return out;
}

std::string Reader::optional_id(const flatbuffers::String* from, const char* field) {
  return from && from->size() > 0 ? id(from, field) : std::string{};
}

std::string Reader::node(const flatbuffers::String* from, const char* field) {
  std::string out = text(from, field);
  if (!is_node_name(out)) {
    refuse(field, "must be a node name: 1 to 63 of a-z, 0-9 and -, not first or last");
  }
  return out;
}

std::string Reader::bytes(const ByteVector* from, const char* field) {
  if (!from || !spend(from->size(), field)) return {};
  return {reinterpret_cast<const char*>(from->data()), from->size()};
}

std::uint64_t Reader::sequence(std::uint64_t from, const char* field, std::uint64_t most) {
  if (from > most) refuse(field, "is no number that a peer can have reached");
  return from;
}

Digest Reader::digest(const fbs::Digest* from, const char* field) {
  Digest out;
  if (!from) {
    refuse(field, "is missing");
    return out;
  }
  std::memcpy(out.bytes.data(), from->bytes()->Data(), out.bytes.size());
  return out;
}

TaskKey Reader::key(const fbs::TaskKey* from, const char* field) {
  if (!from) {
    refuse(field, "is missing");
    return {};
  }
  return {id(from->job(), "job"), id(from->task(), "task")};
}

std::vector<TaskKey> Reader::keys(const TableVector<fbs::TaskKey>* from, const char* field) {
  std::vector<TaskKey> out;
  if (!count(from, field)) return out;
  for (const auto* entry : *from) out.push_back(key(entry, field));
  return out;
}

std::vector<Artifact> Reader::artifacts(const TableVector<fbs::Artifact>* from, const char* field) {
  std::vector<Artifact> out;
  if (!count(from, field)) return out;
  for (const auto* entry : *from) {
    Artifact artifact{id(entry->name(), field), digest(entry->digest(), field), entry->size(),
                      bytes(entry->inline_data(), field)};
    inline_bytes_ += artifact.inline_data.size();
    if (!artifact.inline_data.empty() && artifact.inline_data.size() != artifact.size) {
      refuse(field, "has inline data of another length than its size");
    }
    out.push_back(std::move(artifact));
  }
  if (inline_bytes_ > kInlineBlobLimit) refuse(field, "has more than 32 KiB of inline data");
  return out;
}

std::map<std::string, double> Reader::metrics(const TableVector<fbs::Metric>* from,
                                              const char* field) {
  std::map<std::string, double> out;
  if (!count(from, field)) return out;
  for (const auto* entry : *from) {
    if (!out.emplace(id(entry->name(), field), entry->value()).second) {
      refuse(field, "names one metric twice");
    }
  }
  return out;
}

}  // namespace skerry::wire
