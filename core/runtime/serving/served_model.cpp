#include "core/runtime/serving/served_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/tensor_types.hpp"
#include "core/wire/predict.hpp"

namespace skerry::runtime {
namespace {

constexpr int kTrials = 2;  // a library may compile for the shape in the first two

Status check_finite(const std::vector<skerry_named_tensor>& weights) {
  for (const skerry_named_tensor& each : weights) {
    const skerry_tensor& tensor = each.tensor;
    if (tensor.dtype_code != SKERRY_FLOAT || tensor.dtype_bits != 32) continue;
    std::size_t count = 1;
    for (std::int32_t i = 0; i < tensor.ndim; ++i)
      count *= static_cast<std::size_t>(tensor.shape[i]);
    const auto* values =
        reinterpret_cast<const float*>(static_cast<const char*>(tensor.data) + tensor.byte_offset);
    if (!std::all_of(values, values + count, [](float value) { return std::isfinite(value); }))
      return fail(Code::data_loss,
                  fmt::format("the model's tensor `{}` has values that are not finite", each.name));
  }
  return {};
}

Status check_functions(const Instance& estimator) {
  const auto& functions = estimator.as<skerry_estimator_v1>();
  if (SKERRY_HAS(skerry_estimator_v1, &functions, predict) && functions.prepare != nullptr &&
      functions.set_weights != nullptr && functions.predict != nullptr)
    return {};
  return fail(Code::failed_precondition,
              estimator.who() + " cannot serve: it lacks prepare(), set_weights() or predict()");
}

skerry_dataset_info info_of(const InputForm& form) {
  skerry_dataset_info info{};
  info.struct_size = sizeof info;
  info.ndim = static_cast<std::uint32_t>(form.shape.size());
  std::copy(form.shape.begin(), form.shape.end(), info.shape);
  info.label_kind = form.classes > 0 ? SKERRY_LABEL_CLASS : SKERRY_LABEL_REAL;
  info.classes = form.classes;
  return info;
}

}  // namespace

std::size_t InputForm::elements() const {
  std::size_t count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  return count;
}

Result<ServedModel> ServedModel::open(const Instance& estimator, const InputForm& form,
                                      std::uint64_t seed,
                                      const std::vector<skerry_named_tensor>* weights) {
  ServedModel model(estimator, form);
  const skerry_dataset_info info = info_of(form);
  const auto& functions = estimator.as<skerry_estimator_v1>();
  SKERRY_TRY(check_functions(estimator));
  {
    const auto calling = estimator.calling("prepare");
    SKERRY_TRY(call(estimator.who(), [&](skerry_error* error) {
      return functions.prepare(estimator.get(), &info, seed, error);
    }));
  }
  if (weights != nullptr) {
    SKERRY_TRY(check_finite(*weights));
    const auto calling = estimator.calling("set_weights");
    SKERRY_TRY(call(estimator.who(), [&](skerry_error* error) {
      return functions.set_weights(estimator.get(), weights->data(), weights->size(), error);
    }));
  }
  SKERRY_TRY(model.try_out());
  return model;
}

Status ServedModel::try_out() {
  std::vector<float> example(form_.elements(), 0.0F), answer;
  for (int i = 0; i < kTrials; ++i) {
    SKERRY_TRY(predict(example.data(), 1, answer));
    std::fill(example.begin(), example.end(), 0.5F);
  }
  return {};
}

Status ServedModel::check_width(std::size_t outputs) const {
  if (form_.classes > 0 && outputs != form_.classes)
    return fail(Code::invalid_argument,
                fmt::format("the model gives {} outputs, and the service's input says {} classes",
                            outputs, form_.classes));
  if (outputs > wire::kMaxPredictData / sizeof(float))
    return fail(Code::invalid_argument,
                fmt::format("the model gives {} outputs, which are more than the {} bytes that an "
                            "answer has room for",
                            outputs, wire::kMaxPredictData));
  return {};
}

Status ServedModel::predict(const float* features, std::size_t rows,
                            std::vector<float>& out) const {
  std::vector<std::int64_t> shape{static_cast<std::int64_t>(rows)};
  shape.insert(shape.end(), form_.shape.begin(), form_.shape.end());
  const skerry_tensor input = view_of(features, shape);
  skerry_owned_tensor answer{};
  const auto calling = estimator_->calling("predict");
  SKERRY_TRY(call(estimator_->who(), [&](skerry_error* error) {
    return estimator_->as<skerry_estimator_v1>().predict(estimator_->get(), &input, &answer, error);
  }));
  const skerry_tensor& tensor = answer.tensor;
  const bool sound = tensor.ndim == 2 && tensor.shape[0] == static_cast<std::int64_t>(rows) &&
                     tensor.shape[1] > 0 && tensor.dtype_code == SKERRY_FLOAT &&
                     tensor.dtype_bits == 32 && tensor.strides == nullptr;
  if (sound) {
    const auto* values =
        reinterpret_cast<const float*>(static_cast<const char*>(tensor.data) + tensor.byte_offset);
    out.assign(values, values + rows * static_cast<std::size_t>(tensor.shape[1]));
  }
  if (answer.release != nullptr) answer.release(&answer);
  if (!sound)
    return fail(Code::internal,
                estimator_->who() + " predicted no row of float32 for each example");
  SKERRY_TRY(check_width(out.size() / rows));
  if (!std::all_of(out.begin(), out.end(), [](float value) { return std::isfinite(value); }))
    return fail(Code::internal, "the model's answer is not finite");
  return {};
}

}  // namespace skerry::runtime
