#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace skerry::cli {

struct ChildSpec {
  std::string name;                    // for people: "edge-2"
  std::vector<std::string> arguments;  // the program first, with its path
  std::filesystem::path console;       // standard output and error are appended to it
};

// A process of our own, in a process group of its own, so that Ctrl-C at the terminal reaches only
// us. Destruction ends it by force. Start and look after children from one thread that lives as
// long as they do.
class ChildProcess {
 public:
  static Result<ChildProcess> start(const ChildSpec& spec);

  ChildProcess(ChildProcess&& other) noexcept : pid_(other.pid_), status_(other.status_) {
    other.pid_ = 0;
  }
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess() { kill(); }

  pid_t pid() const { return pid_; }
  // The wait status once it has ended. Does not wait.
  std::optional<int> ended();
  void ask_to_end();  // SIGTERM to the process alone: it ends its own children in order
  void kill();        // SIGKILL to its whole group, and waits

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}
  pid_t pid_ = 0;
  std::optional<int> status_;
};

// "was killed by signal 9 (Killed)", "exited with status 1".
std::string describe_end(int status);

}  // namespace skerry::cli
