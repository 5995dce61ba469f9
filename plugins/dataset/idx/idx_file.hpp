// The IDX format: two zero bytes, a type, the number of dimensions, each extent as a big-endian
// uint32, the elements.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

struct IdxFile {
  std::vector<std::int64_t> shape;  // 1 to 4 extents, each >= 1
  std::vector<std::uint8_t> data;   // as many bytes as the shape says
};

// Reads a file of unsigned bytes, plain or gzip. Throws skerry::Error with `field` that names the
// path, what was found and what a whole file has. Memory grows with the bytes that are there,
// whatever the header claims.
IdxFile read_idx(const std::string& path, const std::string& field);
