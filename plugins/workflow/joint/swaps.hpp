// Other models for a service that runs.
#pragma once

#include <string>

#include "step.hpp"

namespace joint {

// What is wrong with the value of a signal `models`, {"edge": [digest, ...], "cloud": [digest]};
// empty: nothing.
std::string fault_of_swap(const skerry::Json& state, const skerry::Json& value);

// Starts a version with these weights, which the cloud has, at all places of the sides it names.
void swap_models(Step&, const skerry::Json& value);

// The models before these serve, everywhere. why: of the version that was refused.
void go_back(Step&, const std::string& side, const std::string& why);

}  // namespace joint
