#include "core/runtime/tensor_types.hpp"

namespace skerry::runtime {
namespace {

struct Row {
  std::string_view dtype;
  std::uint8_t code;
  std::uint8_t bits;
};
constexpr Row kTypes[] = {
    {"F32", SKERRY_FLOAT, 32},   {"F64", SKERRY_FLOAT, 64}, {"F16", SKERRY_FLOAT, 16},
    {"BF16", SKERRY_BFLOAT, 16}, {"I64", SKERRY_INT, 64},   {"I32", SKERRY_INT, 32},
    {"I16", SKERRY_INT, 16},     {"I8", SKERRY_INT, 8},     {"U8", SKERRY_UINT, 8},
    {"BOOL", SKERRY_BOOL, 8},
};

}  // namespace

std::optional<ElementType> element_type(std::string_view dtype) {
  for (const auto& row : kTypes)
    if (row.dtype == dtype) return ElementType{row.code, row.bits};
  return std::nullopt;
}

std::optional<std::string_view> dtype_name(std::uint8_t code, std::uint8_t bits) {
  for (const auto& row : kTypes)
    if (row.code == code && row.bits == bits) return row.dtype;
  return std::nullopt;
}

skerry_tensor view_of(const float* data, const std::vector<std::int64_t>& shape) {
  return {const_cast<float*>(data),
          SKERRY_CPU,
          0,
          static_cast<std::int32_t>(shape.size()),
          SKERRY_FLOAT,
          32,
          1,
          shape.data(),
          nullptr,
          0};
}

skerry_tensor levels_view(const void* data, const std::vector<std::int64_t>& shape) {
  skerry_tensor tensor = view_of(static_cast<const float*>(nullptr), shape);
  tensor.data = const_cast<void*>(data);
  tensor.dtype_code = SKERRY_UINT;
  tensor.dtype_bits = 8;
  return tensor;
}

skerry_named_tensor view_of(const tensor::TensorSpec& spec, const void* data) {
  const auto type =
      element_type(spec.dtype).value_or(ElementType{});  // a parsed layout has known types only
  skerry_named_tensor view{};
  view.name = spec.name.c_str();
  view.tensor.data = const_cast<void*>(data);
  view.tensor.device_type = SKERRY_CPU;
  view.tensor.ndim = static_cast<std::int32_t>(spec.shape.size());
  view.tensor.dtype_code = type.code;
  view.tensor.dtype_bits = type.bits;
  view.tensor.dtype_lanes = 1;
  view.tensor.shape = spec.shape.data();
  return view;
}

}  // namespace skerry::runtime
