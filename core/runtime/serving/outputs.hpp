// What models answer, as they travel and as they are compared.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "core/base/bytes.hpp"

namespace skerry::runtime {

inline std::int64_t most_likely(std::span<const float> outputs) {
  return std::max_element(outputs.begin(), outputs.end()) - outputs.begin();
}

// Copied: they lie anywhere in a frame.
inline std::vector<float> floats(Bytes data) {
  std::vector<float> values(data.size() / sizeof(float));
  if (!values.empty()) std::memcpy(values.data(), data.data(), values.size() * sizeof(float));
  return values;
}

}  // namespace skerry::runtime
