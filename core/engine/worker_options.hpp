// What both hosts let an operator say about their workers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/engine/worker_pool.hpp"
#include "core/runtime/process_launcher.hpp"

namespace skerry::engine {

struct WorkerSettings {
  std::uint64_t memory = 0;  // bytes of data that a worker may have; 0: no limit
  bool sandbox = true;
  // Folders, or devices, that plugins may write to beside what is their own: absolute.
  std::vector<std::filesystem::path> writable;
  std::filesystem::path allow_list;  // of plugin digests; empty: none
};

// Makes them absolute. Refuses what is not there, and what would open `state` to plugins.
Status check_writable(std::vector<std::filesystem::path>& writable,
                      const std::filesystem::path& state);

// Before any thread: the list must be readable, and is told to the workers.
Status use_allow_list(const std::filesystem::path& file);

// What workers get, and in the log, once, what this machine cannot give to them.
void limit_workers(const WorkerSettings& settings, runtime::ProcessLauncher& launcher);

// The pool's part. `state` is hidden from workers but for `readable`.
void apply_settings(const WorkerSettings& settings, const std::filesystem::path& state,
                    std::vector<std::filesystem::path> readable, WorkerPool::Options& options);

}  // namespace skerry::engine
