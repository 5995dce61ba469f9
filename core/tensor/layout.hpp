// What a safetensors file holds and where: 8 bytes of header length, a JSON header, raw
// little-endian tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/result.hpp"

namespace skerry::tensor {

inline constexpr std::uint64_t kMaxHeaderBytes = 16u << 20;
inline constexpr std::size_t kMaxDims = 8;  // the plugin ABI's SKERRY_MAX_DIMS
inline constexpr std::size_t kMaxNameBytes = 512;
inline constexpr std::uint64_t kDataAlignment = 64;

struct TensorSpec {
  std::string name;
  std::string dtype;  // F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL
  std::vector<std::int64_t> shape;
  std::uint64_t offset = 0;  // bytes from the start of the data
  std::uint64_t size = 0;    // bytes
};

struct Layout {
  std::vector<TensorSpec> tensors;  // in the order of their data
  std::uint64_t data_offset = 0;    // bytes from the start of the file
  std::uint64_t file_size = 0;
  std::map<std::string, std::string> metadata;

  const TensorSpec* find(std::string_view name) const;  // nullptr: no such tensor
};

// Bytes an element takes; 0 for a dtype that is not known.
std::size_t dtype_size(std::string_view dtype);

// Product of the dimensions (1 for a scalar). Fails on a negative dimension and on overflow.
Result<std::uint64_t> element_count(const std::vector<std::int64_t>& shape);

// "[10, 3, 5, 5]", for messages.
std::string shape_text(const std::vector<std::int64_t>& shape);

}  // namespace skerry::tensor
