// The class by itself: ends with a status other than 0 where something is wrong.
#include "@NAME@.cpp"

#include <string>

int main() {
  std::string said;
  skerry_host raw{};
  raw.ctx = &said;
  raw.log = [](const skerry_host* self, std::int32_t, const char* text) { *static_cast<std::string*>(self->ctx) = text; };
  skerry::Host host(&raw);
  @CLASS@ sink(skerry::Config(nlohmann::json{{"every", 2}}), host);
  skerry::Outcome answer, refusal;
  answer.by_cloud = true;
  answer.total = std::chrono::milliseconds(3);
  refusal.code = "cloud.unavailable";
  refusal.total = std::chrono::milliseconds(1);
  sink.open({});
  sink.write(answer);
  sink.write(refusal);
  const std::string expected = "2 outcomes: 1 by the cloud, 1 without an answer, 2.0 ms on average";
  std::printf("said: %s\nexpected: %s\n", said.c_str(), expected.c_str());
  return said == expected ? 0 : 1;
}
