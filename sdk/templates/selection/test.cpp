// The class by itself: ends with a status other than 0 where something is wrong.
#include "@NAME@.cpp"

#include <cstdio>

int main() {
  @CLASS@ selection(skerry::Config(nlohmann::json{{"count", 1}}));
  const auto chosen = selection.select({{"edge-1", 10, 0.2, 1, 1}, {"edge-2", 10, 0.7, 1, 1}}, 2, 42);
  std::printf("chose %zu, expected 1: the second node\n", chosen.size());
  return chosen.size() == 1 && chosen[0] == 1 ? 0 : 1;
}
