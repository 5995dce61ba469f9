// Small data sets, made in the test: the same seed gives the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace skerry::testing {

// A CSV with the columns x, y and class: points around the corners of a triangle, named a, b and c.
std::string points_csv(int rows, std::uint64_t seed);

// An IDX file of unsigned bytes, as MNIST's.
std::string idx_file(const std::vector<std::uint32_t>& shape, const std::string& values);

}  // namespace skerry::testing
