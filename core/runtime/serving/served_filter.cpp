#include "core/runtime/serving/served_filter.hpp"

#include <cmath>

#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/tensor_types.hpp"

namespace skerry::runtime {
namespace {

// Without values there may still be rows: a model that finds nothing gives none.
constexpr float kNoValue = 0;

}  // namespace

Result<ServedFilter> ServedFilter::open(const Instance& filter, std::vector<std::int64_t> shape,
                                        std::optional<double> threshold) {
  shape.insert(shape.begin(), 1);
  ServedFilter served(filter, std::move(shape), threshold);
  const auto calling = filter.calling("needs");
  SKERRY_TRY(call(filter.who(), [&](skerry_error* error) {
    return filter.as<skerry_sampling_v1>().needs(filter.get(), &served.needs_, error);
  }));
  return served;
}

Result<Judgement> ServedFilter::judge(const float* features,
                                      const std::vector<float>* predictions) const {
  skerry_examples examples{};
  examples.struct_size = sizeof examples;
  examples.rows = 1;
  examples.features = view_of(features, shape_);
  const std::vector<std::int64_t> answer{
      1, predictions ? static_cast<std::int64_t>(predictions->size()) : 0};
  if (predictions != nullptr)
    examples.predictions = view_of(predictions->empty() ? &kNoValue : predictions->data(), answer);
  Judgement judgement;
  std::uint8_t hard = 0;
  const auto calling = filter_->calling("judge");
  SKERRY_TRY(call(filter_->who(), [&](skerry_error* error) {
    return filter_->as<skerry_sampling_v1>().judge(filter_->get(), &examples, &judgement.score,
                                                   &hard, error);
  }));
  if (!std::isfinite(judgement.score))
    return fail(Code::internal, filter_->who() + " gave a score that is not finite");
  judgement.hard = threshold_ ? judgement.score >= *threshold_ : hard != 0;
  return judgement;
}

}  // namespace skerry::runtime
