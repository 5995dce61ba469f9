#include "core/engine/worker_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/plugin/allow_list.hpp"
#include "core/runtime/confine.hpp"

namespace skerry::engine {

Status check_writable(std::vector<std::filesystem::path>& writable,
                      const std::filesystem::path& state) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path hidden = fs::weakly_canonical(state, error);
  for (fs::path& each : writable) {
    const fs::path found = fs::canonical(each, error);
    if (error)
      return fail(
          Code::invalid_argument,
          fmt::format(
              "--allow-write {}: {}; it has to be there, for this user, before the host starts",
              each.string(), error.message()));
    const auto [rest, ignored] =
        std::mismatch(found.begin(), found.end(), hidden.begin(), hidden.end());
    const auto [inside, left] =
        std::mismatch(hidden.begin(), hidden.end(), found.begin(), found.end());
    if (rest == found.end() || inside == hidden.end())
      return fail(Code::invalid_argument,
                  fmt::format("--allow-write {}: it holds, or lies in, the host's own state {}, "
                              "which plugins must not reach; give a folder beside it",
                              each.string(), hidden.string()));
    each = found;
  }
  return {};
}

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
  options.writable = settings.writable;
}

}  // namespace skerry::engine
