// The gateway's description of itself.
#pragma once

#include <string>

namespace skerry::gateway {

// An OpenAPI 3.0 document; its answers of failure come from failures().
const std::string& openapi();

}  // namespace skerry::gateway
