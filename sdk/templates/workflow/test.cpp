// The class by itself: ends with a status other than 0 where something is wrong.
#include "@NAME@.cpp"

#include <cstdio>

int main() {
  @CLASS@ workflow;
  skerry::Event event;
  event.type = skerry::Event::Type::started;
  event.nodes = {"edge-1"};
  const skerry::Decision first = workflow.decide(event, nullptr);
  event.type = skerry::Event::Type::task_finished;
  event.kind = "@NAME@.count";
  event.result = {{"rows", 7}};
  const skerry::Decision last = workflow.decide(event, first.state);
  std::printf("%s\n%s\n", first.commands.json().dump().c_str(), last.commands.json().dump().c_str());
  return last.commands.json().at(0).at("message") == "7 rows in all" ? 0 : 1;
}
