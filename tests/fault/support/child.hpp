#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace skerry::fault {

// A process of ours, killed with this object. For programs; tests have tests/support/process.hpp.
class Child {
 public:
  Child() = default;
  // The program first. What it prints is appended to `console`. Throws std::runtime_error.
  Child(const std::vector<std::string>& command, const std::filesystem::path& console);
  Child(Child&& other) noexcept { *this = std::move(other); }
  Child& operator=(Child&& other) noexcept;
  ~Child() { kill(); }

  pid_t pid() const { return pid_; }
  bool running();  // reaps it when it has ended
  // As waitpid tells it; none while it runs.
  std::optional<int> status() const { return status_; }
  void send(int signal) const;
  void kill();  // SIGKILL, and waits
  bool wait(std::chrono::milliseconds patience);

 private:
  pid_t pid_ = 0;
  std::optional<int> status_;
};

// Processes that this one started, in no order.
std::vector<pid_t> children_of(pid_t pid);

}  // namespace skerry::fault
