// Copies of files that never change. Internal to this module.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"

namespace skerry::store {

// A second name for the same bytes. False: the file systems do not allow it.
Result<bool> link_file(const std::filesystem::path& from, const std::filesystem::path& to);

// The bytes into a new file that is durable afterwards, and their digest. Code::cancelled where
// `cancelled` said yes between two pieces.
Result<Digest> copy_durably(const std::filesystem::path& from, const std::filesystem::path& to,
                            mode_t mode, const std::function<bool()>& cancelled);

// Bytes that are left on the disk of `directory`.
Result<std::uint64_t> space_left(const std::filesystem::path& directory);

bool on_one_disk(const std::filesystem::path& a, const std::filesystem::path& b);

// Or the folder itself. Also of what is not there yet; links are followed as far as there is
// something.
bool is_within(const std::filesystem::path& path, const std::filesystem::path& folder);

}  // namespace skerry::store
