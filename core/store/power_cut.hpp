// A disk for databases that keeps what was synced and nothing else, to see what a power cut costs:
// an SQLite VFS over the default one. What is written stays in memory until xSync puts it into the
// file; reads see it at once. So a process that is killed leaves its databases as a power cut
// would. Locks and shared memory pass through. Only in builds with SKERRY_FAILPOINTS.
//
// Of what was not synced, a disk may have written any part. A seed chooses: seed % 4 quarters of
// all sectors are there, for 0 none.
#pragma once

#ifdef SKERRY_FAILPOINTS

#include <cstdint>
#include <filesystem>

namespace skerry::store::power_cut {

inline constexpr const char* kVfs = "skerry-powercut";

// Databases that this process opens from now on are on such a disk. Database::open() calls it when
// the environment variable SKERRY_POWER_CUT is set; its value is the seed for a failpoint's kill.
void install();
// For sqlite3_open_v2: nullptr until install().
const char* vfs();

// Cuts the power of the databases below `directory`: from now on their writes come to nothing and
// fail with SQLITE_IOERR. Once all their connections are closed, the power is back, and the files
// are as the disk kept them.
void cut(const std::filesystem::path& directory, std::uint64_t seed = 0);

}  // namespace skerry::store::power_cut

#endif
