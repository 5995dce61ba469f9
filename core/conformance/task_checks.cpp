// task/1: outside of a job a task has nothing to work on, which it has to survive.
#include "core/conformance/subject.hpp"

namespace skerry::conformance {
namespace {

void garbage_params_survived(Subject& subject) {
  const auto instance = subject.create_without_config();
  skerry_sink sink{sizeof sink, 0, nullptr,
                   [](const skerry_sink*, skerry_bytes) -> skerry_status { return SKERRY_OK; }};
  std::uint64_t call_id = 1;
  for (const std::string params : {"", "{", "[]", "null", "{}", R"({"round": "x"})", "\xff"}) {
    const skerry_bytes bytes{reinterpret_cast<const std::uint8_t*>(params.data()), params.size()};
    subject.survive([&] {
      return subject.call(*instance, &skerry_task_v1::run, "run", call_id++, bytes,
                          static_cast<const skerry_sink*>(&sink));
    });
  }
}

}  // namespace

std::vector<Check> task_checks() {
  return {{"garbage-params-survived", "task", Level::required,
           "Parameters that make no sense, and a host without data, do no harm.",
           garbage_params_survived}};
}

}  // namespace skerry::conformance
