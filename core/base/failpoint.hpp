// Named places where a test makes the program die, wait or fail. Nothing of them is compiled unless
// SKERRY_FAILPOINTS is defined (CMake option of the same name); a release holds not even a name.
//
// A process takes its orders from the environment variable SKERRY_FAILPOINTS when it starts:
//   NAME=ACTION[@N][;...]   at the N-th hit of NAME, or at each one;  NAME * is any:  *=kill@123
// Actions: kill (SIGKILL to itself), abort, exit (status 1), sleep(MILLISECONDS), error(fsync)
// (data_loss, as a disk that fails), error(full) (unavailable, as a disk without space), throw (a
// failpoint::Crash, for code that runs inside a test). Orders that make no sense end the process.
//
// A name is SIDE.THING.MOMENT, as "cloud.result.recorded".
#pragma once

#include "core/base/result.hpp"

#ifdef SKERRY_FAILPOINTS

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace skerry::failpoint {

// What `throw` throws, and what a test's handler may.
struct Crash {
  std::string name;
};

// What the macros call. Any thread.
Status hit(std::string_view name);
// For places that cannot fail: an error that is ordered for one ends the process.
void reach(std::string_view name);

// Replaces all orders and sets the counts to zero. invalid_argument: nothing is changed.
Status configure(std::string_view orders);

// Called at each hit on the calling thread, in place of the orders; empty: none.
void set_handler(std::function<Status(std::string_view name)> handler);

bool has_handler();  // on this thread

// Called before an ordered kill, abort or exit: the last that happens. Once, at the start.
void before_kill(std::function<void()> last_act);

// Hits so far, by name.
std::map<std::string, std::uint64_t, std::less<>> names();

// Breaks this process on purpose, so that a test can prove that such a fault is found. Empty: mends
// it.
void plant_bug(std::string_view name);
bool planted(std::string_view name);

}  // namespace skerry::failpoint

#define SKERRY_FAILPOINT(name) ::skerry::failpoint::reach(name)
// A Status: ok, or the error that was ordered.
#define SKERRY_FAILPOINT_STATUS(name) ::skerry::failpoint::hit(name)
// True where a test planted this bug.
#define SKERRY_PLANTED_BUG(name) ::skerry::failpoint::planted(name)

#else

#define SKERRY_FAILPOINT(name) static_cast<void>(0)
#define SKERRY_FAILPOINT_STATUS(name) ::skerry::Status()
#define SKERRY_PLANTED_BUG(name) false

#endif
