// Between a file's element types and the two that tiles have: float for F32, F16 and BF16, double
// for the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace skerry::tensor {

enum class Element { f32, f64, f16, bf16, i64, i32, i16, i8, u8, boolean };

Element element_of(std::string_view dtype);  // of a parsed layout

// Bytes an element takes in a file and in a tile.
std::size_t stored_size(Element element);
std::size_t tile_size(Element element);

// Are the bytes of a tile those of the file? Then nothing needs to be converted.
inline bool stored_as_tile(Element element) {
  return element == Element::f32 || element == Element::f64;
}

// `stored` need not be aligned, `tile` must be.
void decode_tile(Element element, const std::byte* stored, std::uint64_t count, void* tile);

// Rounds to nearest, ties to even; integers are limited to their range. False when a NaN cannot be
// stored as an integer.
bool encode_tile(Element element, const void* tile, std::uint64_t count, std::byte* stored);

}  // namespace skerry::tensor
