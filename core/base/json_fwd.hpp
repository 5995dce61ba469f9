// The name Json without the cost of the library; include json.hpp where values are used.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace skerry {

using Json = nlohmann::json;

}  // namespace skerry
