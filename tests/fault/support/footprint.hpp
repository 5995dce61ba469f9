// What a running process holds, to compare with what it held before: after a disturbance it must
// come back to that.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace skerry::fault {

struct Footprint {
  int descriptors = 0;
  int threads = 0;
  long resident_kb = 0;
};

// None: there is no such process (any more).
std::optional<Footprint> footprint_of(pid_t pid);

// Allowed on top of the baseline: what libraries keep for later.
struct Slack {
  int descriptors = 0;
  int threads = 0;
  long resident_kb = 16 * 1024;
};

// Empty: `now` is no more than the baseline and the slack. Else says what grew.
std::string growth(const Footprint& baseline, const Footprint& now, const Slack& slack = {});

// Files below the state directories that should not outlive what they were for: outputs of tasks,
// uploads and downloads under way.
std::vector<std::filesystem::path> temporary_files(const std::filesystem::path& state);

}  // namespace skerry::fault
