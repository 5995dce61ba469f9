// What a service's spec says, in the form that its tasks and its state take.
#pragma once

#include <skerry/workflow.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace joint {

using skerry::Json;

// One side of a service: {"params", "slots", "models": [digest or ""], "replicas", "version": 1}.
// `models` are the tasks' inputs "model0", "model1", ...
Json edge_side(const Json& spec);
Json cloud_side(const Json& spec);

// Why a service cannot begin; empty: it can.
std::string fault_of(const Json& spec);

}  // namespace joint
