// What a decision tells of the service, and its end.
#pragma once

#include <string>

#include "step.hpp"

namespace joint {

// The status, where it has changed.
void tell(Step&);

// A record of all counts, where any has changed since the last one.
void record(Step&);

// A record of a place's failure. what: "failed", or "rejected".
void record_failure(Step&, const char* what, const skerry::Json& place);

// The last command of the service. It does nothing from then on.
void succeed(Step&, const std::string& why);
void fail(Step&, const std::string& why);

}  // namespace joint
