#include "perceptron.cpp"

#include <cstdio>

int main() {
  const skerry_host nobody = {};
  skerry::Host host(&nobody);
  Perceptron model(skerry::Config(nlohmann::json{{"epochs", 200}}), host);
  const skerry::DatasetInfo info = {{2}, 4, skerry::LabelKind::classes, 2};
  model.prepare(info, 42);
  float features[] = {0, 0, 0, 1, 1, 0, 1, 1};
  std::int64_t labels[] = {0, 1, 1, 0};  // exclusive or: no line divides it
  skerry::Metrics nowhere(nullptr);
  model.train({info,
               {features, skerry::dtype_of<float>(), {4, 2}},
               {labels, skerry::dtype_of<std::int64_t>(), {4}}},
              {}, nowhere);
  const auto prediction = model.predict({features, skerry::dtype_of<float>(), {4, 2}});
  bool right = true;
  for (int row = 0; row < 4; ++row) {
    std::printf("%g xor %g: %.3f\n", features[2 * row], features[2 * row + 1],
                prediction.values[2 * row + 1]);
    right = right && (prediction.values[2 * row + 1] > 0.5F) == (labels[row] == 1);
  }
  return right ? 0 : 1;
}
