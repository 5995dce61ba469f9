// How a host starts, stops and observes its workers. Processes on this machine are one way; others
// can follow.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/runtime/landlock.hpp"

namespace skerry::runtime {

enum class WorkerRole { task, decide };

struct WorkerSpec {
  std::string id;  // unique among the workers that run
  WorkerRole role = WorkerRole::task;
  std::string endpoint;  // where the host listens: "ipc://..."
  int threads = 1;       // how many the plugins may use at once
  std::string serving;   // where its questions come from, "ipc://..."; empty: it serves nothing
  std::filesystem::path log_file;          // standard output and error are appended to it
  std::map<std::string, std::string> env;  // added to the host's own
  std::filesystem::path call_record;       // see call_record.hpp; empty: none
  std::uint64_t memory = 0;                // bytes of data it may have; 0: no limit
  std::optional<FileAccess> files;         // what files its sandbox lets it use; none: no sandbox
};

struct WorkerHandle {
  std::string id;
  pid_t pid = 0;
};

struct WorkerExit {
  std::string id;
  pid_t pid = 0;
  int code = 0;                   // exit status; meaningless when a signal ended it
  int signal = 0;                 // 0: it exited by itself
  std::uint64_t peak_memory = 0;  // bytes that were resident at most
  bool out_of_memory = false;     // the kernel says so
  std::string text;               // "killed by SIGSEGV", "exited with status 3"
};

// All calls from one thread, which must live as long as the launcher: when the thread that started
// a worker ends, so does the worker. None of them blocks.
class Launcher {
 public:
  virtual ~Launcher() = default;

  virtual Result<WorkerHandle> start(const WorkerSpec& spec) = 0;
  // Asks the worker to end, and ends it by force when it still runs after `grace`. poll() reports
  // the exit. An id that is not running is ignored.
  virtual void stop(const std::string& id, std::chrono::milliseconds grace) = 0;
  // Workers that ended since the last call, each once. To be called a few times a second: it also
  // enforces the grace.
  virtual std::vector<WorkerExit> poll() = 0;
};

}  // namespace skerry::runtime
