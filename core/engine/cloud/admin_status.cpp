// The verb `status`: how the cloud is, in numbers.
#include <unistd.h>

#include <algorithm>

#include "core/engine/cloud/admin.hpp"
#include "core/version.hpp"

namespace skerry::engine::cloud {

Admin::Answer Admin::status(const Json&) {
  const auto& jobs = machine_.jobs();
  const auto running = std::count_if(jobs.begin(), jobs.end(),
                                     [](const auto& job) { return !job.second->finished(); });
  const std::chrono::duration<double> up = std::chrono::steady_clock::now() - began_;
  return Json{
      {"version", kVersion},
      {"pid", ::getpid()},
      {"endpoint", identity_.endpoint},
      {"startedAt", started_},
      {"upSeconds", up.count()},
      {"nodes", {{"online", peers_.online_nodes().size()}, {"total", nodes_.list().size()}}},
      {"jobs", {{"running", running}, {"total", jobs.size()}}},
      {"counters", counters_()},
      {"conditions", views_.conditions()}};
}

}  // namespace skerry::engine::cloud
