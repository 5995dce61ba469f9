#pragma once

#include <skerry/abi.h>

#include <vector>

#include "core/base/bytes.hpp"
#include "core/runtime/serving/served_model.hpp"
#include "core/runtime/serving/served_payload.hpp"
#include "core/wire/predict.hpp"

namespace skerry::runtime {

// Writes what a question is about, one example, to form.elements() floats. Problem codes are those
// that askers get, in `field`: "shape.mismatch", "type.mismatch", "image.malformed",
// "model.failed". `payload` may be null: then no example may come encoded.
Status features_of(const wire::PredictRequestView& request, const InputForm& form,
                   const ServedPayload* payload, float* out);

// The code that an asker gets, and its message.
wire::PredictReply refusal(std::string code, std::string message);

// A problem of the plugin in a place of the job: "sinks[0].config.path".
Problem in_place(const std::string& place, Problem problem);

// As sources and sinks are told.
skerry_service_form service_form(const InputForm& form);

}  // namespace skerry::runtime
