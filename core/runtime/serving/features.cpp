#include "core/runtime/serving/features.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>

namespace skerry::runtime {

Status features_of(const wire::PredictRequestView& request, const InputForm& form, float* out) {
  if (request.meta.form == wire::Form::image)
    return fail(Code::invalid_argument,
                "found an encoded image; this service takes tensors: float32 or uint8", {},
                "type.mismatch");
  if (request.meta.shape != form.shape)
    return fail(Code::invalid_argument,
                fmt::format("found a tensor of shape [{}]; this service takes [{}]",
                            fmt::join(request.meta.shape, ", "), fmt::join(form.shape, ", ")),
                {}, "shape.mismatch");
  const std::size_t count = form.elements();
  if (request.meta.form == wire::Form::float32) {
    std::memcpy(out, request.data.data(), count * sizeof(float));
    return {};
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(request.data.data());
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(bytes[i]) * form.scale;
  return {};
}

wire::PredictReply refusal(std::string code, std::string message) {
  wire::PredictReply reply;
  reply.code = std::move(code);
  reply.message = std::move(message);
  return reply;
}

}  // namespace skerry::runtime
