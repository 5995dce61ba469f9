// The class by itself: ends with a status other than 0 where something is wrong.
#include "@NAME@.cpp"

#include <cstdio>

int main() {
  @CLASS@ payload(skerry::Config(nlohmann::json{{"low", -1}, {"high", 3}}));
  const float sent[] = {0.25F, -7};
  float arrived[] = {0, 0};
  const skerry::DType type = skerry::dtype_of<float>();
  const auto bytes = payload.encode({sent, type, {2}});
  payload.decode({bytes.data(), bytes.size()}, {arrived, type, {2}});
  std::printf("arrived as %g, %g, expected 0.25, -1\n", static_cast<double>(arrived[0]), static_cast<double>(arrived[1]));
  return bytes.size() == 4 && std::abs(arrived[0] - 0.25F) < 0.001F && arrived[1] == -1 ? 0 : 1;
}
