// What workers, and the plugins in them, print.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace skerry::engine {

// The last `most` bytes; empty when it cannot be read.
std::string tail_of(const std::filesystem::path& log, std::size_t most);

// The calls that led to a worker's end, innermost first, from the report that it left at the end of
// its log: "bad.so(+0x1189) < libtorch.so.1(...)". Empty: it left none.
std::string last_calls(const std::filesystem::path& log);

}  // namespace skerry::engine
