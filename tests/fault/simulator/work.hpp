// What the simulated job computes: small, and a pure function of what goes in, so that any round
// can be computed again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/digest.hpp"
#include "core/wire/messages.hpp"

namespace skerry::simulator {

// A safetensors file of `floats` numbers.
std::string first_model(std::size_t floats);
std::string train(const std::string& model, const std::string& node);
// The mean, added up in the given order.
std::string mean(const std::vector<std::string>& updates);

// What a worker answers to a task of the federated workflow.
wire::TaskDone perform(const wire::RunTask& task, std::size_t floats);

}  // namespace skerry::simulator
