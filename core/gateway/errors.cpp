#include "core/gateway/errors.hpp"

#include <algorithm>

#include "core/base/json.hpp"

namespace skerry::gateway {
namespace {

constexpr std::size_t kMaxQuoted = 60;
constexpr std::size_t kMaxMessage = 1000;

constexpr Failure kFailures[] = {
    {"request.malformed", 400, true, "the request, or its body, cannot be read"},
    {"deadline.past", 400, false, "the deadline is zero or negative"},
    {"request.unauthorized", 401, true, "the token is missing, or is another one"},
    {"request.origin", 403, true, "a web page asks, from an origin that is not allowed"},
    {"request.host", 403, true, "the Host header has a name that is not allowed"},
    {"path.unknown", 404, true, "there is nothing at this path"},
    {"service.unknown", 404, false, "this host has no service of this name"},
    {"request.method", 405, true, "the path has other methods; Allow names them"},
    {"request.too_large", 413, true, "the body, or the tensor in it, is too large"},
    {"request.unsupported_type", 415, false, "the Content-Type or Content-Encoding is another one"},
    {"shape.mismatch", 422, false, "the shape fits neither the data nor what the service takes"},
    {"type.mismatch", 422, false, "the values are of another type than declared or taken"},
    {"image.malformed", 422, false, "the image cannot be decoded"},
    {"label.mismatch", 422, false, "the label is none of the service's classes"},
    {"request.head_too_large", 431, true, "the request's line and headers are too large"},
    {"model.failed", 500, false, "the model failed on this example"},
    {"internal", 500, true, "a fault of this host; its log says more"},
    {"service.unavailable", 503, false, "the service is not ready yet, or starts anew"},
    {"worker.ended", 503, false, "the worker that had this question ended; it is started anew"},
    {"overloaded", 503, true, "too much is asked at once"},
    {"cloud.unavailable", 504, false, "the cloud was to answer, and is out of reach"},
    {"deadline.exceeded", 504, false, "no answer came within the deadline"},
};

}  // namespace

std::span<const Failure> failures() {
  return kFailures;
}

int status_of(std::string_view code) {
  const auto* const found = std::ranges::find(kFailures, code, &Failure::code);
  return found == std::end(kFailures) ? 500 : found->status;
}

std::string error_body(const Refusal& refusal) {
  Json error{{"code", refusal.code}, {"message", refusal.message.substr(0, kMaxMessage)}};
  if (!refusal.field.empty()) error["field"] = refusal.field;
  return dump_json(Json{{"error", std::move(error)}});
}

tl::unexpected<Refusal> refuse(std::string_view code, std::string message, std::string field) {
  return fail(Refusal{std::string(code), std::move(message), std::move(field)});
}

std::string in_quotes(std::string_view text) {
  const bool fits = text.size() <= kMaxQuoted;
  return "\"" + std::string(text.substr(0, kMaxQuoted)) + (fits ? "\"" : "...\"");
}

}  // namespace skerry::gateway
