#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace skerry::cli {

// The last lines of a file; empty when it cannot be read.
std::string tail_of(const std::filesystem::path& file, std::size_t lines = 15);

// The same, ready to stand below a message: each line indented, with the file's name above; empty
// when there is nothing.
std::string log_excerpt(const std::filesystem::path& file, std::size_t lines = 15);

}  // namespace skerry::cli
