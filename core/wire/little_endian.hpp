// Numbers at fixed places in a frame.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>

namespace skerry::wire {

static_assert(std::endian::native == std::endian::little, "frames are little-endian");

template <class Number>
void put_number(std::byte* to, Number value) {
  std::memcpy(to, &value, sizeof value);
}

template <class Number>
Number get_number(const std::byte* from) {
  Number value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace skerry::wire
