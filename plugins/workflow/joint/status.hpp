// What a service tells of itself: functions of its state alone, which service.hpp describes.
#pragma once

#include <skerry/workflow.hpp>

#include <cstdint>
#include <string>

namespace joint {

using skerry::Json;

// "Starting", "Serving", or "Degraded": something needs a person's attention.
std::string phase_of(const Json& state);
// For a person.
std::string status_of(const Json& state);
// The beginning of every record, in numbers that tables and charts show: {"samples": questions,
// "hardShare", "offloadShare", "accuracy", "p50Ms", "p99Ms", "seconds": {"total": its age}}.
Json summary_of(const Json& state, std::int64_t at_ms);
// All of it: "sum", "nodes" {node: ...} and "cloud" as well.
Json record_of(const Json& state, std::int64_t at_ms);

// "edge b", "the feed of b", "worker 0 of the cloud".
std::string name_of(const Json& place);

// Others' text, no longer than a person reads.
std::string shortened(const std::string& text);

}  // namespace joint
