#pragma once

#include <vector>

#include "core/base/bytes.hpp"
#include "core/runtime/serving/served_model.hpp"
#include "core/wire/predict.hpp"

namespace skerry::runtime {

// Writes what a question is about, one example, to form.elements() floats. Problem codes are those
// that askers get, in `field`: "shape.mismatch", "type.mismatch".
Status features_of(const wire::PredictRequestView& request, const InputForm& form, float* out);

// The code that an asker gets, and its message.
wire::PredictReply refusal(std::string code, std::string message);

}  // namespace skerry::runtime
