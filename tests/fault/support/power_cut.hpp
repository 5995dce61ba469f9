// What a power cut does to a host's files: the notes of core/base/power_journal.hpp, played back.
// Files lose what was not synced, and renames, new files and removals are undone where their
// directory was not synced. (What it does to a database, its own disk has seen to:
// core/store/power_cut.hpp.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/base/result.hpp"

namespace skerry::fault {

struct Lost {
  int files_cut = 0;  // lost their end, or got holes
  int names_undone = 0;
  int survived = 0;  // effects that were not synced, and that the disk had written all the same
};

// Before a process begins to keep its notes in `journal`: what lies in `state` by then has long
// been on the disk, all of it.
Status begin_power_journal(const std::filesystem::path& journal,
                           const std::filesystem::path& state);

// The process must be dead, and its workers. Each effect that was not synced survives by chance:
// seed % 4 quarters of them, for 0 none. The journal is gone afterwards.
Result<Lost> apply_power_cut(const std::filesystem::path& journal, std::uint64_t seed);

}  // namespace skerry::fault
