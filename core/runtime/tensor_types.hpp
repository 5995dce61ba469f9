// safetensors' names of element types and the ABI's codes.
#pragma once

#include <skerry/abi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor/layout.hpp"

namespace skerry::runtime {

struct ElementType {
  std::uint8_t code = SKERRY_FLOAT;
  std::uint8_t bits = 32;
};

std::optional<ElementType> element_type(std::string_view dtype);  // "F32" -> float, 32 bits
std::optional<std::string_view> dtype_name(std::uint8_t code, std::uint8_t bits);  // and back

// A dense float32 tensor; borrows both.
skerry_tensor view_of(const float* data, const std::vector<std::int64_t>& shape);

// A dense uint8 tensor; borrows both.
skerry_tensor levels_view(const void* data, const std::vector<std::int64_t>& shape);

// A view of one tensor of a file; borrows the spec's name and shape. data may be null: names and
// types only.
skerry_named_tensor view_of(const tensor::TensorSpec& spec, const void* data);

}  // namespace skerry::runtime
