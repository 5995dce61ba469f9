#include "core/engine/worker_options.hpp"

#include <cstdlib>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/plugin/allow_list.hpp"
#include "core/runtime/confine.hpp"

namespace skerry::engine {

Status use_allow_list(const std::filesystem::path& file) {
  if (file.empty()) return {};
  const std::filesystem::path absolute = std::filesystem::absolute(file);
  SKERRY_TRY(plugin::AllowList::read(absolute));
  setenv(plugin::kAllowListVariable, absolute.c_str(), 1);
  return {};
}

void limit_workers(const WorkerSettings& settings, runtime::ProcessLauncher& launcher) {
  if (!settings.sandbox) {
    log_warn("workers run without a sandbox, as --worker-sandbox off says");
  } else {
    for (const std::string& missing : runtime::missing_protections()) log_warn(missing);
  }
  if (settings.memory == 0) return;
  auto groups = runtime::MemoryGroups::open();
  if (groups) return launcher.limit_by(std::move(*groups));
  log_warn("workers run without control groups, --worker-memory limits each process by itself: " +
           groups.error().text());
}

void apply_settings(const WorkerSettings& settings, const std::filesystem::path& state,
                    std::vector<std::filesystem::path> readable, WorkerPool::Options& options) {
  options.memory = settings.memory;
  if (!settings.sandbox) return;
  options.hidden = state;
  options.readable = std::move(readable);
}

}  // namespace skerry::engine
