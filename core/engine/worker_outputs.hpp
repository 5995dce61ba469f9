// What a worker says that it made. A plugin shares the worker's memory, so this is the word of a
// plugin: the host believes neither the path of a file nor its size nor its digest.
#pragma once

#include <filesystem>

#include "core/base/result.hpp"
#include "core/wire/messages.hpp"

namespace skerry::engine {

// Moves each file from the worker's folder `from` into `to`, where the worker cannot reach it, and
// puts the new path into the message. Refused, and removed where it was taken: what lies elsewhere,
// links, what is no regular file or has another size, files that are open for writing or have a
// second name, and bytes in the message that are too many or don't match their digest. After it
// nobody can change a file any more, as far as the sandbox holds. Quick: the digests of files are
// for check_file_of().
Status take_outputs(wire::TaskDone& done, const std::filesystem::path& from,
                    const std::filesystem::path& to);

// Reads the file and compares it with size and digest. Any thread.
Status check_file_of(const wire::TaskOutput& output);

}  // namespace skerry::engine
