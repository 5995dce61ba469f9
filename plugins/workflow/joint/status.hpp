// What a service tells of itself: functions of its state alone, which service.hpp describes.
#pragma once

#include <skerry/workflow.hpp>

#include <string>

namespace joint {

using skerry::Json;

// "Starting", "Serving", or "Degraded": something needs a person's attention.
std::string phase_of(const Json& state);
// For a person.
std::string status_of(const Json& state);
// A line of metrics.jsonl: {"sum", "nodes": {node: ...}, "cloud"}.
Json record_of(const Json& state);

// "edge b", "worker 0 of the cloud".
std::string name_of(const Json& place);

// Others' text, no longer than a person reads.
std::string shortened(const std::string& text);

}  // namespace joint
