#pragma once

#include <string>

#include "core/base/json.hpp"

namespace skerry::config {

inline constexpr const char* kDatasetKind = "Dataset";
inline constexpr const char* kModelKind = "Model";

// Of a whole resource: apiVersion, kind, metadata, spec.
const Json& envelope_schema();

// Of the spec of a kind that the core knows without a plugin; null for others.
const Json* core_spec_schema(const std::string& kind);

// Of the value of a slot: {plugin, config}, and where nodes may have configurations of their own
// {nodes}, with what differs on single ones.
const Json& slot_schema(bool by_node);

// The keys that every dataset's configuration takes beside its own, and every workflow's spec.
const Json& dataset_properties();
const Json& workflow_properties();

}  // namespace skerry::config
