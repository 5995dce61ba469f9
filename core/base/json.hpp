#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/base/json_fwd.hpp"
#include "core/base/result.hpp"

namespace skerry {

inline constexpr std::size_t kMaxJsonDepth = 64;

// Strict: no comments, no duplicate keys, valid UTF-8, nested at most kMaxJsonDepth deep. `where`
// is the name that the error carries, as a file's.
Result<Json> parse_json(std::string_view text, std::string_view where = {});

// One line. Text that is not UTF-8 is written with U+FFFD in its place rather than refused.
std::string dump_json(const Json& value);

}  // namespace skerry
