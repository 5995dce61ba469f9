#pragma once

#include <string>

#include "core/base/json.hpp"
#include "core/base/result.hpp"

namespace skerry::config {

// The value of a plain (unquoted) scalar after YAML 1.2's core schema: null, true, false, integers
// (decimal, 0x, 0o), numbers; everything else is text. Infinities, NaN and integers that no 64 bits
// hold are refused.
Result<Json> typed_scalar(const std::string& text);

}  // namespace skerry::config
