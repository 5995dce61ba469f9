// The class by itself: ends with a status other than 0 where something is wrong.
#include "@NAME@.cpp"

#include <cstdio>

int main() {
  const skerry_host nobody = {};
  skerry::Host host(&nobody);
  @CLASS@ model(skerry::Config(nlohmann::json{{"rate", 1.0}}), host);
  model.prepare({{1}, 2, skerry::LabelKind::classes, 2}, 42);
  float features[] = {-1, 1};
  std::int64_t labels[] = {0, 1};
  skerry::Metrics nowhere(nullptr);
  model.train({{{1}, 2, skerry::LabelKind::classes, 2},
               {features, skerry::dtype_of<float>(), {2, 1}},
               {labels, skerry::dtype_of<std::int64_t>(), {2}}},
              {}, nowhere);
  const auto prediction = model.predict({features, skerry::dtype_of<float>(), {2, 1}});
  std::printf("-1 is of its class by %g, of the other by %g\n", static_cast<double>(prediction.values[0]),
              static_cast<double>(prediction.values[1]));
  return prediction.values[0] > 0.98F && prediction.values[1] < 0.02F ? 0 : 1;
}
