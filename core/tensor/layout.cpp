#include "core/tensor/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace skerry::tensor {

const TensorSpec* Layout::find(std::string_view name) const {
  const auto found = std::ranges::find(tensors, name, &TensorSpec::name);
  return found == tensors.end() ? nullptr : &*found;
}

std::size_t dtype_size(std::string_view dtype) {
  static constexpr std::array<std::pair<std::string_view, std::size_t>, 10> kSizes{{{"F32", 4},
                                                                                    {"F64", 8},
                                                                                    {"F16", 2},
                                                                                    {"BF16", 2},
                                                                                    {"I64", 8},
                                                                                    {"I32", 4},
                                                                                    {"I16", 2},
                                                                                    {"I8", 1},
                                                                                    {"U8", 1},
                                                                                    {"BOOL", 1}}};
  for (const auto& [name, size] : kSizes) {
    if (name == dtype) return size;
  }
  return 0;
}

Result<std::uint64_t> element_count(const std::vector<std::int64_t>& shape) {
  if (std::ranges::any_of(shape, [](std::int64_t dim) { return dim < 0; })) {
    return fail(Code::invalid_argument,
                fmt::format("shape {} has a negative dimension", shape_text(shape)));
  }
  // An empty tensor is empty however large its other dimensions are.
  if (std::ranges::find(shape, 0) != shape.end()) return 0;
  std::uint64_t count = 1;
  for (std::int64_t dim : shape) {
    if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(dim), &count)) {
      return fail(
          Code::invalid_argument,
          fmt::format("shape {} has more elements than 64 bits can count", shape_text(shape)));
    }
  }
  return count;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

}  // namespace skerry::tensor
