// The class by itself: ends with a status other than 0 where something is wrong.
#include "@NAME@.cpp"

#include <cstdio>

int main() {
  @CLASS@ aggregation(skerry::Config(nlohmann::json{{"step", 0.5}}));
  aggregation.begin({}, {{"edge-1", 1, 0}, {"edge-2", 3, 0}});
  const float one = 0, two = 4, base = 1;
  const float* const inputs[] = {&one, &two};
  float output = 0;
  aggregation.combine(skerry::Tile<float>{0, 0, 1, {inputs, 2}, &base, &output});
  std::printf("found %g, expected 2\n", static_cast<double>(output));  // halfway from 1 to the mean 3
  return output == 2 ? 0 : 1;
}
