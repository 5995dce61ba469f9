#pragma once

#include <filesystem>

#include "core/base/result.hpp"

namespace skerry::plugin {

// A plugin is code that will run with this process's rights. Refused: what is no regular file, a
// link that leads out of `directory`, an owner other than root or the user of this process, and a
// file that its group or anybody may write. The problem says which command puts it right.
Status check_trust(const std::filesystem::path& file, const std::filesystem::path& directory);

// The same of a file that is open, but for where it lies: what was checked by name may have been
// replaced before it was opened.
Status check_open_file(int fd, const std::filesystem::path& file);

// A directory that its group or anybody may write, and so replace files in, is refused unless it is
// sticky.
Status check_directory_trust(const std::filesystem::path& directory);

}  // namespace skerry::plugin
