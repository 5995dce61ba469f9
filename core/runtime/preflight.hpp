#pragma once

#include <filesystem>
#include <string>

#include "core/base/json_fwd.hpp"

namespace skerry::runtime {

// Opens every plugin that a job names, the data and the model included, as its workers would, to
// find out before the job starts what would fail in it.
//
// The file holds {"plan": resolved document, "nodes": how many, "artifacts": {digest: path},
// "pluginPath": [...]}. Success: {"ok": true, "slots": {NAME: {"plugin", "kind", and for a dataset
// "rows", "train", "holdout", "parts", "classes"; for an estimator "tensors", "parameters"}}}.
// Failure: {"ok": false, "code", "slot", "node", "field", "message"}; the field is relative to the
// slot's configuration and the node is empty unless only that node's own configuration is at fault.
Json preflight(const std::filesystem::path& file);

}  // namespace skerry::runtime
