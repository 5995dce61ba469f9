// The class by itself: ends with a status other than 0 where something is wrong.
#include "@NAME@.cpp"

#include <cstdio>

int main() {
  @CLASS@ strategy(skerry::Config(nlohmann::json{{"cloudMs", 20}}));
  const skerry_stage hard{1, 1, 0.9, 1, 0};  // it has predicted, and its filter has judged that hard
  const skerry_question early{sizeof early, 1, &hard, 50000}, late{sizeof late, 1, &hard, 10000};
  const auto with_time = strategy.next(skerry::Question(early)), without = strategy.next(skerry::Question(late));
  std::printf("steps %u and %u, expected %d and %d\n", with_time.action, without.action, SKERRY_STEP_ASK, SKERRY_STEP_ANSWER);
  return with_time.action == SKERRY_STEP_ASK && without.action == SKERRY_STEP_ANSWER ? 0 : 1;
}
