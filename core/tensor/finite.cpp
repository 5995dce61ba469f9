#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>

#include "core/tensor/validate.hpp"

namespace skerry::tensor {
namespace {

constexpr std::size_t kBlockElements = 8192;  // between two looks at the result

// A value is NaN or infinite exactly when all bits of its exponent are set. Adding the exponent's
// lowest bit then carries into the sign's place, whatever the element's width: no comparison, which
// SSE2 lacks for 64 bits.
template <class Word, Word kExponent>
constexpr Word carry_if_not_finite(Word word) {
  constexpr Word kLowest = kExponent & (~kExponent + 1);
  return static_cast<Word>((word & kExponent) + kLowest);
}

template <class Word>
Word load(const std::byte* data, std::size_t index) {
  Word word;  // the data need not be aligned for its type
  std::memcpy(&word, data + index * sizeof word, sizeof word);
  return word;
}

template <class Word, Word kExponent>
std::optional<std::uint64_t> first_not_finite(Bytes data) {
  constexpr Word kSign = static_cast<Word>(Word{1} << (8 * sizeof(Word) - 1));
  const std::size_t count = data.size() / sizeof(Word);
  for (std::size_t begin = 0; begin < count; begin += kBlockElements) {
    const std::size_t end = std::min(count, begin + kBlockElements);
    Word carries = 0;
    for (std::size_t i = begin; i < end; ++i) {
      carries |= carry_if_not_finite<Word, kExponent>(load<Word>(data.data(), i));
    }
    if ((carries & kSign) == 0) continue;
    for (std::size_t i = begin; i < end; ++i) {
      if ((carry_if_not_finite<Word, kExponent>(load<Word>(data.data(), i)) & kSign) != 0) return i;
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> first_not_finite(std::string_view dtype, Bytes data) {
  if (dtype == "F32") return first_not_finite<std::uint32_t, 0x7f800000u>(data);
  if (dtype == "F64") return first_not_finite<std::uint64_t, 0x7ff0000000000000u>(data);
  if (dtype == "F16") return first_not_finite<std::uint16_t, 0x7c00u>(data);
  if (dtype == "BF16") return first_not_finite<std::uint16_t, 0x7f80u>(data);
  return std::nullopt;  // integers and booleans
}

}  // namespace

Status check_finite(const Layout& layout, Bytes file) {
  if (file.size() < layout.file_size) {
    return fail(Code::invalid_argument,
                fmt::format("the file has {} bytes, its layout was read from {}", file.size(),
                            layout.file_size));
  }
  for (const TensorSpec& tensor : layout.tensors) {
    const Bytes data = file.subspan(layout.data_offset + tensor.offset, tensor.size);
    if (const auto index = first_not_finite(tensor.dtype, data)) {
      return fail(
          Code::invalid_argument,
          fmt::format("the tensor \"{}\" has a NaN or an infinity at element {} of {}; every "
                      "value must be finite",
                      tensor.name, *index, tensor.size / dtype_size(tensor.dtype)));
    }
  }
  return {};
}

}  // namespace skerry::tensor
