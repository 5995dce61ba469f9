// The class by itself: ends with a status other than 0 where something is wrong.
#include "@NAME@.cpp"

#include <cstdio>

int main() {
  @CLASS@ source(skerry::Config(nlohmann::json{{"readings", 2}}));
  skerry::ServiceForm form;
  form.shape = {3};
  source.open(form);
  int readings = 0;
  for (; const skerry::Item* item = source.next(std::chrono::seconds(1)); ++readings)
    std::printf("reading %llu of %zu sensors\n", static_cast<unsigned long long>(item->number), item->tensor.size());
  std::printf("%d readings, expected 2\n", readings);
  return readings == 2 && source.ended() ? 0 : 1;
}
