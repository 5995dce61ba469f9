#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "core/base/json.hpp"
#include "core/config/job.hpp"
#include "hosts/cli/view/problems.hpp"

namespace skerry::cli {

// What the worker found behind each place of the job that names a plugin, such as rows and
// parameters.
using SlotFacts = Json;

// Lets a worker open the job's plugins, data and model, and end again. Problems are placed where
// the user wrote the field.
tl::expected<SlotFacts, Problems> preflight(const config::ResolvedJob& job,
                                            std::optional<int> nodes);

// Of what the worker printed: the last line is its verdict.
tl::expected<SlotFacts, Problems> read_verdict(const config::ResolvedJob& job,
                                               const std::string& output);

}  // namespace skerry::cli
