#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/runtime/launcher.hpp"
#include "core/runtime/memory_groups.hpp"

namespace skerry::runtime {

// The worker program beside this program.
Result<std::filesystem::path> worker_beside_this_program();

// Workers as processes of this machine, each the leader of a session and process group of its own.
// The destructor kills all that still run, with their groups, and waits for them.
class ProcessLauncher final : public Launcher {
 public:
  explicit ProcessLauncher(std::filesystem::path worker_program);
  ~ProcessLauncher() override;
  ProcessLauncher(const ProcessLauncher&) = delete;
  ProcessLauncher& operator=(const ProcessLauncher&) = delete;

  // From now on workers with a limit of memory are kept to it by these groups too.
  void limit_by(MemoryGroups groups) { groups_ = std::move(groups); }

  Result<WorkerHandle> start(const WorkerSpec& spec) override;
  void stop(const std::string& id, std::chrono::milliseconds grace) override;
  std::vector<WorkerExit> poll() override;

 private:
  struct Running {
    pid_t pid = 0;
    bool stopping = false;
    std::optional<std::chrono::steady_clock::time_point> kill_at;
  };

  std::filesystem::path program_;
  std::map<std::string, Running> running_;
  std::optional<MemoryGroups> groups_;
};

}  // namespace skerry::runtime
