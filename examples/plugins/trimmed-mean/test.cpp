#include "trimmed_mean.cpp"

#include <cstdio>

int main() {
  TrimmedMean aggregation(skerry::Config(nlohmann::json{{"trim", 0.2}}));
  const float honest[] = {1, 2, 3, 4}, lie = 1e9F;
  const float* const inputs[] = {&honest[0], &honest[1], &lie, &honest[2], &honest[3]};
  float output = 0;
  aggregation.combine(skerry::Tile<float>{0, 0, 1, {inputs, 5}, nullptr, &output});
  std::printf("found %g, expected 3: the mean of 2, 3 and 4\n", static_cast<double>(output));
  return output == 3 ? 0 : 1;
}
