// Which plugin a worker is in, kept in a small file that the worker maps and its host reads after
// the worker's death: the calls from the outermost to the innermost.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace skerry::runtime {

struct PluginCall {
  std::string plugin;  // its id
  std::string digest;  // of its file, in hex; may be empty
  std::string call;    // "estimator.train"
};

// The host's side.
Status create_call_record(const std::filesystem::path& file);
// What the worker was doing, outermost first; empty: it was in no plugin. What the file says is
// checked: plugins can write to it.
std::vector<PluginCall> read_call_record(const std::filesystem::path& file);

// The worker's side: once, before it is confined. Without it nothing is recorded.
Status open_call_record(const std::filesystem::path& file);
// Calls are recorded for one thread, the one that says so.
void record_calls_of_this_thread();
bool in_a_plugin();
// The innermost call, for a signal handler; null when there is none.
struct CallText {
  const char* plugin;
  const char* call;
};
std::optional<CallText> innermost_call();

// Recorded for as long as this object lives.
class CallScope {
 public:
  CallScope(std::string_view plugin, std::string_view digest, std::string_view kind,
            std::string_view entry);  // kind "estimator/1", entry "train"
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

 private:
  bool recorded_;
};

}  // namespace skerry::runtime
