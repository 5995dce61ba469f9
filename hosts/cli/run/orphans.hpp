// What a killed host leaves behind becomes our child, so that nothing can outlive this program's
// end.
#pragma once

namespace skerry::cli {

// From now on, orphaned descendants are given to this process.
void adopt_orphans();

// Ends every child of this process by force, and their children as they are handed over, and waits
// for them.
void kill_descendants();

}  // namespace skerry::cli
