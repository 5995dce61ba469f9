// Safetensors files in memory, sound and unsound.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace skerry::tensor {

inline std::string with_length(std::uint64_t length, std::string_view rest) {
  std::string file;
  for (int shift = 0; shift < 64; shift += 8) file += static_cast<char>(length >> shift & 0xff);
  return file.append(rest);
}

// A header as it is and `data_size` zero bytes.
inline std::string make_file(std::string_view json, std::size_t data_size) {
  return with_length(json.size(), json) + std::string(data_size, '\0');
}

}  // namespace skerry::tensor
