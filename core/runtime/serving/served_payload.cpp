#include "core/runtime/serving/served_payload.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/sink.hpp"
#include "core/runtime/tensor_types.hpp"

namespace skerry::runtime {
namespace {

constexpr const char* kAtFault = "model.failed";

}  // namespace

Result<std::string> ServedPayload::encode(const float* features) const {
  const skerry_tensor example = view_of(features, shape_);
  StringSink encoded;
  const auto calling = payload_->calling("encode");
  SKERRY_TRY(call(payload_->who(), [&](skerry_error* error) {
    return payload_->as<skerry_payload_v1>().encode(payload_->get(), &example, encoded.get(),
                                                    error);
  }));
  return std::move(encoded.text());
}

Status ServedPayload::decode(Bytes encoded, float* features) const {
  const skerry_tensor example = view_of(features, shape_);
  const skerry_bytes bytes{reinterpret_cast<const std::uint8_t*>(encoded.data()), encoded.size()};
  const auto calling = payload_->calling("decode");
  Status done = call(payload_->who(), [&](skerry_error* error) {
    return payload_->as<skerry_payload_v1>().decode(payload_->get(), bytes, &example, error);
  });
  if (!done) {
    Problem problem = done.error();
    problem.field = problem.code == Code::invalid_argument ? "image.malformed" : kAtFault;
    return fail(std::move(problem));
  }
  std::size_t elements = 1;
  for (const std::int64_t extent : shape_) elements *= static_cast<std::size_t>(extent);
  if (std::all_of(features, features + elements, [](float value) { return std::isfinite(value); }))
    return {};
  return fail(Code::internal, payload_->who() + " decoded values that are not finite", {},
              kAtFault);
}

}  // namespace skerry::runtime
