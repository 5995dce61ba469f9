// What a service's spec says, in the form that its tasks and its state take.
#pragma once

#include <skerry/workflow.hpp>

#include <string>

namespace joint {

using skerry::Json;

// One side of a service: {"params", "slots", "models": [digest or ""], "replicas", "version": 1}.
// `models` are the tasks' inputs "model0", "model1", ...
Json edge_side(const Json& spec);
Json cloud_side(const Json& spec);

// The same without models: its version stays 1. "ends": true where the service ends with its
// sources.
bool has_sources(const Json& spec);
Json feed_side(const Json& spec);

// Gives a side other models, as many as it has; "" is one that is made from the seed.
void use_models(Json& side, const Json& models);

// The digest of an owner's `model`; empty: it has none.
std::string digest_of_model(const Json& owner);

// Why a service cannot begin; empty: it can.
std::string fault_of(const Json& spec);

}  // namespace joint
