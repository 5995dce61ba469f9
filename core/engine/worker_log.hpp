#pragma once

#include <filesystem>
#include <string>

namespace skerry::engine {

// The calls that led to a worker's end, innermost first, from the report that it left at the end of
// its log: "bad.so(+0x1189) < libtorch.so.1(...)". Empty: it left none.
std::string last_calls(const std::filesystem::path& log);

}  // namespace skerry::engine
