#pragma once

#include <string>

namespace skerry::runtime {

// A worker's last words: when plugin code crashes, or the worker is told to end while plugin code
// runs, which plugin it was in and the calls that led there go to standard error, which is the
// worker's log. The signal then ends the process as it would have. Once, at start.
void report_crashes();

// A thread whose stack runs over still reports. Also makes it the thread whose calls are shown when
// the worker is told to end. On the thread that plugins run on.
void report_crashes_of_this_thread();

// While one lives, a worker that is told to end (SIGTERM) goes on: what it does looks at told() often,
// closes what is open, and ends the process. The host waits for that a little.
class EndsGently {
 public:
  EndsGently();
  ~EndsGently();
  EndsGently(const EndsGently&) = delete;
  EndsGently& operator=(const EndsGently&) = delete;
  bool told() const;
};

// Reports add that `mapped`, which the linker knows, is a copy of `file`, and name its functions
// where it was not stripped.
void name_in_reports(const std::string& mapped, const std::string& file);

// How a report begins and its last line; the host looks for them in the log.
inline constexpr const char* kCrashMark = "--- ended by signal ";
inline constexpr const char* kCrashEnd = "---";

}  // namespace skerry::runtime
