// What workers, and the plugins in them, print.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace skerry::engine {

// The last `most` bytes; empty when it cannot be read.
std::string tail_of(const std::filesystem::path& log, std::size_t most);

// The calls that led to a worker's end, innermost first, from the report that it left at the end of
// its log: "bad.so(+0x1189) < libtorch.so.1(...)". Empty: it left none.
std::string last_calls(const std::filesystem::path& log);

// A worker appends to its log as long as it lives. When the log is larger than `most` bytes, its
// end moves to another file beside it ("worker-x.old.log") and it begins anew; lines that are
// written at that moment may be lost. Call it now and then: in between a log can be larger.
void bound_log(const std::filesystem::path& log, std::uint64_t most);

// Each worker has a log of its own, and each job workers of its own: keeps the newest `most` of
// them.
void prune_worker_logs(const std::filesystem::path& directory, std::size_t most);

}  // namespace skerry::engine
