// What a task asks for that serves: its features are opened and tried, and questions answered.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.hpp"
#include "core/base/result.hpp"
#include "core/runtime/artifacts.hpp"
#include "core/runtime/job.hpp"
#include "core/wire/local_link.hpp"
#include "core/wire/messages.hpp"

namespace skerry::runtime {

struct ServeRequest {
  Job& job;
  const wire::RunTask& task;
  wire::LocalLink* link = nullptr;  // null: the task was not started to serve
  std::function<bool()> stop;
  std::function<Result<const std::vector<skerry_named_tensor>*>(std::string_view name)> tensors;
  std::function<void(std::map<std::string, double> metrics)> report;
};

// settings: see docs/workflows.md. Returns when it is stopped or another version has its place.
Status serve(const ServeRequest& request, const Json& settings);

}  // namespace skerry::runtime
