// A strict reader and writer of safetensors headers. Files come from strangers: nothing in one is
// believed unchecked.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/tensor/layout.hpp"

namespace skerry::tensor {

// `file_start` holds at least the whole header; `file_size` is the size of the whole file. Accepts
// a file only if its tensors cover its data exactly, without overlap or hole, and every name,
// dtype, shape and offset is sound.
Result<Layout> parse_layout(Bytes file_start, std::uint64_t file_size);

// Reads the header of a file, not its data. Problems carry the path.
Result<Layout> read_layout(const std::filesystem::path& path);

// The file up to its data, padded so that the data starts 64-byte aligned. Lays the tensors out one
// after the other in the order given, filling in offset and size: the data must follow in that
// order. Names, dtypes and shapes are the caller's own, so they must be sound: an unknown dtype or
// a negative dimension takes no bytes.
std::string encode_header(std::vector<TensorSpec>& tensors,
                          const std::map<std::string, std::string>& metadata = {});

}  // namespace skerry::tensor
