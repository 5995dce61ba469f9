// The JSON header of a safetensors file, taken apart while it is parsed, so that a hostile header
// costs no more memory than the tensors it names. Internal to this module.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/tensor/layout.hpp"

namespace skerry::tensor {

struct HeaderEntry {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct Header {
  std::vector<HeaderEntry> entries;  // in the order of the text; names are unique
  std::map<std::string, std::string> metadata;
};

// Checks the grammar and that each entry is complete, not what the numbers mean.
Result<Header> read_header(std::string_view json);

}  // namespace skerry::tensor
