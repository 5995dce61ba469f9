#include "core/gateway/predict_body.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>

#include "core/base/json.hpp"
#include "core/base/try.hpp"
#include "core/gateway/json_body.hpp"
#include "core/gateway/settings.hpp"

namespace skerry::gateway {
namespace {

constexpr std::string_view kImage = "image/";

// Without its parameters.
std::string_view media_type(std::string_view text) {
  text = text.substr(0, text.find(';'));
  const auto last = text.find_last_not_of(" \t");
  return text.substr(0, last == text.npos ? 0 : last + 1);
}

Outcome<void> belongs_elsewhere(const std::optional<Given>& given, std::string_view why) {
  if (!given) return {};
  return refuse("request.malformed",
                fmt::format("{} goes with application/octet-stream; {}", given->place, why),
                given->place);
}

Outcome<void> check_finite(std::string_view data) {
  for (std::size_t i = 0; i + sizeof(float) <= data.size(); i += sizeof(float)) {
    float value;
    std::memcpy(&value, data.data() + i, sizeof value);
    if (std::isfinite(value)) continue;
    return refuse("request.malformed",
                  fmt::format("element {} is {}; all must be finite. Is the tensor float32, little-"
                              "endian?",
                              i / sizeof(float), value));
  }
  return {};
}

Outcome<void> take_tensor(Question& question, const Settings& given, std::string body) {
  if (!given.shape) {
    return refuse("request.malformed",
                  "application/octet-stream needs the header Skerry-Shape, as in 1,28,28",
                  "Skerry-Shape");
  }
  auto& meta = question.meta;
  meta.form = wire::Form::uint8;
  if (given.dtype) {
    SKERRY_ASSIGN(meta.form, read_form(given.dtype->text, given.dtype->place));
  }
  SKERRY_ASSIGN(meta.shape, read_shape(*given.shape));
  SKERRY_TRY(check_shape(meta.shape, meta.form, given.shape->place));
  const std::size_t size = wire::elements_of(meta.shape) * wire::element_size(meta.form);
  if (body.size() != size) {
    return refuse("shape.mismatch",
                  fmt::format("found {} bytes; a {} tensor of shape [{}] has {}", body.size(),
                              meta.form == wire::Form::uint8 ? "uint8" : "float32",
                              fmt::join(meta.shape, ", "), size),
                  given.shape->place);
  }
  if (meta.form == wire::Form::float32) SKERRY_TRY(check_finite(body));
  question.data = std::move(body);
  return {};
}

Outcome<void> take_image(Question& question, const Settings& given, std::string body) {
  SKERRY_TRY(belongs_elsewhere(given.shape, "an image has its own"));
  SKERRY_TRY(belongs_elsewhere(given.dtype, "an image has its own"));
  if (body.empty()) return refuse("image.malformed", "found an image of no bytes");
  if (body.size() > wire::kMaxPredictData) {
    return refuse("request.too_large", fmt::format("found an image of {} bytes; allowed are {}",
                                                   body.size(), wire::kMaxPredictData));
  }
  question.meta.form = wire::Form::image;
  question.data = std::move(body);
  return {};
}

Outcome<void> not_twice(const std::optional<Given>& given, bool again, std::string_view member) {
  if (!given || !again) return {};
  return refuse(
      "request.malformed",
      fmt::format("{} is given, and {} in the body; leave one of them out", given->place, member),
      std::string(member));
}

Outcome<void> take_json(Question& question, const Settings& given, const std::string& text) {
  SKERRY_TRY(belongs_elsewhere(given.shape, "a JSON body has it in the tensor"));
  SKERRY_TRY(belongs_elsewhere(given.dtype, "a JSON body has it as a member"));
  SKERRY_ASSIGN(JsonBody body, read_json_body(text));
  SKERRY_TRY(not_twice(given.deadline, body.deadline_ms.has_value(), "deadlineMs"));
  SKERRY_TRY(not_twice(given.label, body.label.has_value(), "label"));
  auto& meta = question.meta;
  meta.form = body.form;
  meta.shape = std::move(body.shape);
  if (body.label) meta.label = *body.label;
  if (body.deadline_ms) {
    SKERRY_ASSIGN(meta.patience_us, patience_of(*body.deadline_ms, "deadlineMs"));
  }
  question.data = std::move(body.data);
  return {};
}

Outcome<void> take_body(Question& question, BodyKind kind, const Settings& given,
                        std::string body) {
  switch (kind) {
    case BodyKind::json:
      return take_json(question, given, body);
    case BodyKind::tensor:
      return take_tensor(question, given, std::move(body));
    case BodyKind::image:
      return take_image(question, given, std::move(body));
  }
  return {};
}

// JSON has neither NaN nor infinity.
void put(std::string& out, double value) {
  if (std::isfinite(value))
    fmt::format_to(std::back_inserter(out), "{}", value);
  else
    out += "null";
}

// Whoever reads a decimal number as a double and rounds that to float32 rounds twice, which the
// shortest digits of a few floats don't survive.
void put(std::string& out, float value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  const std::size_t before = out.size();
  fmt::format_to(std::back_inserter(out), "{}", value);
  double read = 0;
  std::from_chars(out.data() + before, out.data() + out.size(), read);
  if (static_cast<float>(read) == value) return;
  out.resize(before);
  put(out, static_cast<double>(value));
}

void put_output(std::string& out, const std::vector<float>& outputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (i > 0) out += ',';
    put(out, outputs[i]);
  }
}

// The class that the outputs are for; the end where none of them is a number.
auto largest(const std::vector<float>& outputs) {
  auto best = outputs.end();
  for (auto one = outputs.begin(); one != outputs.end(); ++one)
    if (!std::isnan(*one) && (best == outputs.end() || *one > *best)) best = one;
  return best;
}

void put_class(std::string& out, const std::vector<float>& outputs) {
  const auto best = largest(outputs);
  if (best == outputs.end()) {
    out += R"("class":null,"confidence":null)";
    return;
  }
  fmt::format_to(std::back_inserter(out), R"("class":{},"confidence":)", best - outputs.begin());
  put(out, *best);
}

}  // namespace

Outcome<BodyKind> body_kind(const Fields& headers) {
  const auto* const encoding = find_field(headers, "Content-Encoding");
  if (encoding != nullptr && !same_name(*encoding, "identity")) {
    return refuse(
        "request.unsupported_type",
        fmt::format("found the encoding {}; a body must come as it is", in_quotes(*encoding)),
        "Content-Encoding");
  }
  const auto* const header = find_field(headers, "Content-Type");
  const std::string_view type = media_type(header == nullptr ? std::string_view() : *header);
  if (same_name(type, "application/json")) return BodyKind::json;
  if (same_name(type, "application/octet-stream")) return BodyKind::tensor;
  if (type.size() > kImage.size() && same_name(type.substr(0, kImage.size()), kImage))
    return BodyKind::image;
  return refuse("request.unsupported_type",
                fmt::format("found {}; allowed are application/json, application/octet-stream, "
                            "image/jpeg and image/png",
                            header == nullptr ? "no Content-Type" : in_quotes(*header)),
                "Content-Type");
}

Outcome<Question> read_question(std::string_view service, const Fields& headers,
                                const Fields& query, std::string body) {
  SKERRY_ASSIGN(const BodyKind kind, body_kind(headers));
  SKERRY_ASSIGN(const Settings given, read_settings(headers, query));
  Question question;
  question.meta.service = service;
  if (given.deadline) {
    SKERRY_ASSIGN(question.meta.patience_us, read_patience(*given.deadline));
  }
  if (given.label) {
    SKERRY_ASSIGN(question.meta.label, read_label(*given.label));
  }
  SKERRY_TRY(take_body(question, kind, given, std::move(body)));
  return question;
}

std::string answer_body(std::string_view service, const wire::PredictReply& reply,
                        const std::vector<float>& outputs) {
  std::string out = fmt::format(R"({{"service":{},"output":[)", dump_json(Json(service)));
  put_output(out, outputs);
  out += "],";
  put_class(out, outputs);
  fmt::format_to(std::back_inserter(out),
                 R"(,"source":"{}","hard":{},"fallback":{},"version":{},"score":)",
                 reply.by_cloud ? "cloud" : "edge", reply.hard, reply.fallback, reply.version);
  put(out, reply.score);
  fmt::format_to(std::back_inserter(out),
                 R"(,"latencyMs":{{"total":{},"wire":{},"queue":{},"compute":{}}}}})",
                 reply.total_us / 1000.0, reply.wire_us / 1000.0, reply.queue_us / 1000.0,
                 reply.compute_us / 1000.0);
  return out;
}

}  // namespace skerry::gateway
