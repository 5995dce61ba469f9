#include "core/tensor/tile_codec.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace skerry::tensor {
namespace {

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1f;
  const std::uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24
    const float value = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(value));
  }
  const std::uint32_t wide = exponent == 31 ? 0xff : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

std::uint16_t float_to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u;   // NaN
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // rounds to infinity
  if (magnitude < 0x38800000u) {                        // subnormal: adding 0.5 rounds at 2^-24
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000u));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return static_cast<std::uint16_t>(sign | (rounded - 0x38000000u) >> 13);
}

float bfloat_to_float(std::uint16_t value) {
  return std::bit_cast<float>(std::uint32_t{value} << 16);
}

std::uint16_t float_to_bfloat(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return static_cast<std::uint16_t>(bits >> 16 | 0x40u);  // NaN stays one
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

template <class Stored, class Tile, class Convert>
void convert_from(const std::byte* stored, std::uint64_t count, void* tile, Convert convert) {
  auto* out = static_cast<Tile*>(tile);
  for (std::uint64_t i = 0; i < count; ++i) {
    Stored value;
    std::memcpy(&value, stored + i * sizeof value, sizeof value);
    out[i] = convert(value);
  }
}

template <class Stored, class Tile, class Convert>
void convert_to(const void* tile, std::uint64_t count, std::byte* stored, Convert convert) {
  const auto* in = static_cast<const Tile*>(tile);
  for (std::uint64_t i = 0; i < count; ++i) {
    const Stored value = convert(in[i]);
    std::memcpy(stored + i * sizeof value, &value, sizeof value);
  }
}

template <class Integer>
Integer nearest(double value) {
  constexpr auto kLow = std::numeric_limits<Integer>::min();
  constexpr auto kHigh = std::numeric_limits<Integer>::max();
  const double rounded = std::nearbyint(value);
  if (rounded <= static_cast<double>(kLow)) return kLow;
  if (rounded >= static_cast<double>(kHigh)) return kHigh;
  return static_cast<Integer>(rounded);
}

template <class Integer>
void decode_integers(const std::byte* stored, std::uint64_t count, void* tile) {
  convert_from<Integer, double>(stored, count, tile,
                                [](Integer value) { return static_cast<double>(value); });
}

template <class Integer>
bool encode_integers(const void* tile, std::uint64_t count, std::byte* stored) {
  bool numbers = true;
  convert_to<Integer, double>(tile, count, stored, [&](double value) {
    numbers &= !std::isnan(value);
    return std::isnan(value) ? Integer{0} : nearest<Integer>(value);
  });
  return numbers;
}

}  // namespace

Element element_of(std::string_view dtype) {
  if (dtype == "F32") return Element::f32;
  if (dtype == "F64") return Element::f64;
  if (dtype == "F16") return Element::f16;
  if (dtype == "BF16") return Element::bf16;
  if (dtype == "I64") return Element::i64;
  if (dtype == "I32") return Element::i32;
  if (dtype == "I16") return Element::i16;
  if (dtype == "I8") return Element::i8;
  if (dtype == "U8") return Element::u8;
  return Element::boolean;
}

std::size_t stored_size(Element element) {
  switch (element) {
    case Element::f64:
    case Element::i64:
      return 8;
    case Element::f32:
    case Element::i32:
      return 4;
    case Element::f16:
    case Element::bf16:
    case Element::i16:
      return 2;
    default:
      return 1;
  }
}

std::size_t tile_size(Element element) {
  return element == Element::f32 || element == Element::f16 || element == Element::bf16 ? 4 : 8;
}

void decode_tile(Element element, const std::byte* stored, std::uint64_t count, void* tile) {
  switch (element) {
    case Element::f32:
    case Element::f64:
      std::memcpy(tile, stored, count * stored_size(element));
      return;
    case Element::f16:
      return convert_from<std::uint16_t, float>(stored, count, tile, half_to_float);
    case Element::bf16:
      return convert_from<std::uint16_t, float>(stored, count, tile, bfloat_to_float);
    case Element::i64:
      return decode_integers<std::int64_t>(stored, count, tile);
    case Element::i32:
      return decode_integers<std::int32_t>(stored, count, tile);
    case Element::i16:
      return decode_integers<std::int16_t>(stored, count, tile);
    case Element::i8:
      return decode_integers<std::int8_t>(stored, count, tile);
    case Element::u8:
      return decode_integers<std::uint8_t>(stored, count, tile);
    case Element::boolean:
      return convert_from<std::uint8_t, double>(stored, count, tile,
                                                [](auto value) { return value ? 1.0 : 0.0; });
  }
}

bool encode_tile(Element element, const void* tile, std::uint64_t count, std::byte* stored) {
  switch (element) {
    case Element::f32:
    case Element::f64:
      std::memcpy(stored, tile, count * stored_size(element));
      return true;
    case Element::f16:
      convert_to<std::uint16_t, float>(tile, count, stored, float_to_half);
      return true;
    case Element::bf16:
      convert_to<std::uint16_t, float>(tile, count, stored, float_to_bfloat);
      return true;
    case Element::i64:
      return encode_integers<std::int64_t>(tile, count, stored);
    case Element::i32:
      return encode_integers<std::int32_t>(tile, count, stored);
    case Element::i16:
      return encode_integers<std::int16_t>(tile, count, stored);
    case Element::i8:
      return encode_integers<std::int8_t>(tile, count, stored);
    case Element::u8:
      return encode_integers<std::uint8_t>(tile, count, stored);
    case Element::boolean: {
      bool numbers = true;
      convert_to<std::uint8_t, double>(tile, count, stored, [&](double value) {
        numbers &= !std::isnan(value);
        return static_cast<std::uint8_t>(value > 0.5);
      });
      return numbers;
    }
  }
  return false;
}

}  // namespace skerry::tensor
