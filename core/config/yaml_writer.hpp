#pragma once

#include <string>

#include "core/base/json.hpp"

namespace skerry::config {

// YAML text that parse_documents reads back as the same value. Ends with a newline.
std::string to_yaml(const Json& value);

// One value on one line: "iid", [20, 20], {by: iid}.
std::string to_yaml_line(const Json& value);

}  // namespace skerry::config
