// The bytes of a file that somebody else may be writing to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace directory {

// Those that it has now, `most` of them at the most. Throws std::system_error; does not wait for
// what is no file.
std::vector<std::uint8_t> content_of(const std::filesystem::path& file, std::size_t most);

}  // namespace directory
