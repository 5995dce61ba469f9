#include "core/runtime/serving/features.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

namespace skerry::runtime {

Status features_of(const wire::PredictRequestView& request, const InputForm& form,
                   const ServedPayload* payload, float* out) {
  if (request.meta.form == wire::Form::image) {
    if (payload != nullptr) return payload->decode(request.data, out);
    return fail(Code::invalid_argument,
                "found an encoded image; this service takes tensors, float32 or uint8, as long as "
                "its job names no payload plugin that decodes images",
                {}, "type.mismatch");
  }
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

Problem in_place(const std::string& place, Problem problem) {
  const bool of_the_service = problem.field.starts_with("input.");
  if (!of_the_service)
    problem.field = problem.field.empty() ? place : place + ".config." + problem.field;
  return problem;
}

skerry_service_form service_form(const InputForm& form) {
  skerry_service_form plain{};
  plain.struct_size = sizeof plain;
  plain.ndim = static_cast<std::uint32_t>(form.shape.size());
  std::copy(form.shape.begin(), form.shape.end(), plain.shape);
  plain.classes = form.classes;
  plain.scale = form.scale;
  return plain;
}

}  // namespace skerry::runtime
