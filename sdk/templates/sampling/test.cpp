// The class by itself: ends with a status other than 0 where something is wrong.
#include "@NAME@.cpp"

#include <cstdio>

int main() {
  @CLASS@ filter(skerry::Config(nlohmann::json{{"threshold", 0.5}}));
  const float sure[] = {0.75F, 0.25F}, unsure[] = {0.25F, 0.375F, 0.375F};
  const auto easy = filter.judge({{}, {}, {sure, 2}}), hard = filter.judge({{}, {}, {unsure, 3}});
  std::printf("scores %g and %g, expected 0.25 and 0.625\n", easy.score, hard.score);
  return easy.score == 0.25 && !easy.hard && hard.score == 0.625 && hard.hard ? 0 : 1;
}
