// The class by itself: ends with a status other than 0 where something is wrong.
#include "@NAME@.cpp"

#include <cstdio>

int main() {
  @CLASS@ dataset(skerry::Config(nlohmann::json{{"rows", 8}, {"corners", 4}, {"spread", 0.0}}));
  const std::uint64_t row = 4;
  float features[2] = {};
  dataset.read({&row, 1}, features);
  std::printf("%llu rows, row 4 is (%g, %g), expected 8 and (1, 0)\n",
              static_cast<unsigned long long>(dataset.info().rows), static_cast<double>(features[0]),
              static_cast<double>(features[1]));
  return dataset.info().rows == 8 && features[0] == 1 && features[1] == 0 ? 0 : 1;
}
