// One run: a cloud, some edges, a job, and a time of trouble that a seed draws up. When the trouble
// is over, the job must end, and every promise must have held.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace skerry::simulator {

struct Outcome {
  std::vector<std::string> broken;  // promises
  double seconds = 0;               // of virtual time
  int crashes = 0;
  int rounds = 0;
};

// The same seed gives the same run, on any machine. directory: private, emptied before.
Outcome play(std::uint64_t seed, const std::filesystem::path& directory);

}  // namespace skerry::simulator
