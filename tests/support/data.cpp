#include "tests/support/data.hpp"

#include <iterator>
#include <random>
#include <sstream>

namespace skerry::testing {

std::string points_csv(int rows, std::uint64_t seed) {
  constexpr double kCorners[][2] = {{0, 3}, {-3, -2}, {3, -2}};
  constexpr int kClasses = std::size(kCorners);
  std::mt19937_64 random(seed);
  const auto noise = [&] { return static_cast<double>(random() % 2001) / 1000 - 1; };
  std::ostringstream text;
  text << "x,y,class\n";
  for (int row = 0; row < rows; ++row) {
    const auto& corner = kCorners[row % kClasses];
    const double x = corner[0] + noise();
    const double y = corner[1] + noise();
    text << x << "," << y << "," << static_cast<char>('a' + row % kClasses) << "\n";
  }
  return text.str();
}

std::string idx_file(const std::vector<std::uint32_t>& shape, const std::string& values) {
  constexpr char kUnsignedBytes = 8;
  std::string file{0, 0, kUnsignedBytes, static_cast<char>(shape.size())};
  for (const std::uint32_t extent : shape) {
    for (const int shift : {24, 16, 8, 0}) file += static_cast<char>(extent >> shift & 0xff);
  }
  return file + values;
}

}  // namespace skerry::testing
