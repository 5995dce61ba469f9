#include "core/wire/predict.hpp"

#include <fmt/format.h>

#include <cstring>

#include "core/base/try.hpp"
#include "core/wire/codec.hpp"
#include "core/wire/little_endian.hpp"
#include "skerry_fbs/predict_generated.h"

namespace skerry::wire {
namespace {

constexpr std::size_t kMetaAt = 8;
constexpr std::size_t kAlign = 16;
constexpr std::size_t kMaxMeta = kCheckedOfQuestion - kMetaAt;  // the crc is of all of it
constexpr std::size_t kMaxDimensions = 8;
constexpr std::size_t kMaxMessage = 1000;

std::size_t data_at(std::size_t meta) {
  return (kMetaAt + meta + kAlign - 1) / kAlign * kAlign;
}

std::string frame_of(const Header& header, const Builder& builder, Bytes data) {
  const std::size_t meta = builder.GetSize(), before = data_at(meta);
  std::string whole;
  whole.reserve(kHeaderSize + before + data.size());
  whole.append(kHeaderSize + kMetaAt, '\0');
  put_number(std::as_writable_bytes(std::span(whole)).data() + kHeaderSize,
             static_cast<std::uint32_t>(meta));
  whole.append(reinterpret_cast<const char*>(builder.GetBufferPointer()), meta);
  whole.append(before - kMetaAt - meta, '\0');
  whole.append(reinterpret_cast<const char*>(data.data()), data.size());
  seal_frame(header, std::as_writable_bytes(std::span(whole)));
  return whole;
}

struct Parts {
  Bytes meta, data;
};
Result<Parts> split(Bytes payload) {
  const auto malformed = [](const char* what) {
    return fail(Code::invalid_argument, std::string("a question or its answer ") + what);
  };
  if (payload.size() < kMetaAt) return malformed("is cut short");
  const auto size = get_number<std::uint32_t>(payload.data());
  if (size > kMaxMeta) return malformed("says too much about itself");
  if (data_at(size) > payload.size()) return malformed("is cut short");
  const Bytes data = payload.subspan(data_at(size));
  if (data.size() > kMaxPredictData) {
    return fail(Code::invalid_argument, fmt::format("found {} bytes of data; allowed are {}",
                                                    data.size(), kMaxPredictData));
  }
  return Parts{payload.subspan(kMetaAt, size), data};
}

Status check_data(const PredictRequest& meta, Bytes data) {
  if (meta.form == Form::image) {
    if (data.empty()) return fail(Code::invalid_argument, "found an image of no bytes");
    return {};
  }
  const std::size_t elements = elements_of(meta.shape);
  if (elements == 0 || data.size() != elements * element_size(meta.form)) {
    return fail(
        Code::invalid_argument,
        fmt::format("found {} bytes of data for a {} tensor of shape [{}]", data.size(),
                    meta.form == Form::uint8 ? "uint8" : "float32", fmt::join(meta.shape, ", ")));
  }
  return {};
}

}  // namespace

std::size_t element_size(Form form) {
  return form == Form::float32 ? sizeof(float) : 1;
}

std::size_t elements_of(const std::vector<std::int64_t>& shape) {
  if (shape.empty() || shape.size() > kMaxDimensions) return 0;
  std::size_t elements = 1;
  for (const std::int64_t extent : shape) {
    if (extent <= 0 || static_cast<std::uint64_t>(extent) > kMaxPredictData) return 0;
    elements *= static_cast<std::size_t>(extent);
    if (elements > kMaxPredictData) return 0;
  }
  return elements;
}

std::string frame_request(std::uint64_t session, std::uint64_t seq, const PredictRequest& meta,
                          Bytes data) {
  Builder b(256);
  const auto service = b.CreateString(meta.service);
  const auto shape = b.CreateVector(meta.shape);
  b.Finish(fbs::CreatePredictRequest(b, service, meta.patience_us,
                                     static_cast<std::uint8_t>(meta.form), shape, meta.label));
  return frame_of({Type::predict_request, session, seq, 0}, b, data);
}

std::string frame_reply(std::uint64_t session, std::uint64_t seq, const PredictReply& meta,
                        Bytes data) {
  Builder b(256);
  const auto code = b.CreateString(meta.code);
  const auto message = b.CreateString(meta.message.substr(0, kMaxMessage));
  b.Finish(fbs::CreatePredictReply(b, code, message, meta.by_cloud, meta.hard, meta.fallback,
                                   meta.score, meta.version, meta.total_us, meta.wire_us,
                                   meta.queue_us, meta.compute_us));
  return frame_of({Type::predict_reply, session, seq, 0}, b, data);
}

Result<PredictRequestView> parse_request(Bytes payload) {
  SKERRY_ASSIGN(const Parts parts, split(payload));
  Reader reader(parts.meta, "predict_request", kMaxTables);
  PredictRequest meta;
  if (const auto* from = reader.root<fbs::PredictRequest>()) {
    meta.service = reader.id(from->service(), "service");
    meta.patience_us = from->patience_us();
    meta.label = from->label();
    if (from->form() > static_cast<std::uint8_t>(Form::image))
      reader.refuse("form", "is unknown here");
    else
      meta.form = static_cast<Form>(from->form());
    if (reader.count(from->shape(), "shape", kMaxDimensions) && from->shape()->size() > 0) {
      // The verifier looks at where the length of a vector lies, and not at its elements.
      meta.shape.resize(from->shape()->size());
      std::memcpy(meta.shape.data(), from->shape()->Data(),
                  meta.shape.size() * sizeof(std::int64_t));
    }
  }
  SKERRY_ASSIGN(meta, reader.finish(std::move(meta)));
  SKERRY_TRY(check_data(meta, parts.data));
  return PredictRequestView{std::move(meta), parts.data};
}

Result<PredictReplyView> parse_reply(Bytes payload) {
  SKERRY_ASSIGN(const Parts parts, split(payload));
  Reader reader(parts.meta, "predict_reply", kMaxTables);
  PredictReply meta;
  if (const auto* from = reader.root<fbs::PredictReply>()) {
    meta.code = reader.optional_id(from->code(), "code");
    meta.message = reader.message(from->message(), "message");
    meta.by_cloud = from->by_cloud();
    meta.hard = from->hard();
    meta.fallback = from->fallback();
    meta.score = from->score();
    meta.version = from->version();
    meta.total_us = from->total_us();
    meta.wire_us = from->wire_us();
    meta.queue_us = from->queue_us();
    meta.compute_us = from->compute_us();
    if (parts.data.size() % sizeof(float) != 0) reader.refuse("data", "is no row of float32");
  }
  SKERRY_ASSIGN(meta, reader.finish(std::move(meta)));
  return PredictReplyView{std::move(meta), parts.data};
}

template <>
std::string encode(const TakeSeat& m) {
  Builder b;
  return finish(b, fbs::CreateTakeSeat(b, m.ticket, m.session, m.credit));
}

template <>
Result<TakeSeat> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "take_seat", kMaxTables);
  TakeSeat m;
  if (const auto* from = reader.root<fbs::TakeSeat>())
    m = {from->ticket(), from->session(), from->credit()};
  return reader.finish(std::move(m));
}

}  // namespace skerry::wire
