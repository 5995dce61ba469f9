#pragma once

#include <string>

#include "core/base/json.hpp"
#include "core/base/result.hpp"

namespace skerry::plugin {

// Is this a schema in Skerry's dialect: a subset of JSON Schema plus "format", "slot", "atMost" and
// "reference"? An unknown word is refused, since a limit that is silently ignored is worse than
// none. `field` is the schema's place in the manifest, for problems.
Status check_schema(const Json& schema, const std::string& field);

}  // namespace skerry::plugin
