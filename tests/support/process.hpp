#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/wait.hpp"

namespace skerry::testing {

// How a process ended. Exactly one of the two is set.
struct Ending {
  std::optional<int> status;
  std::optional<int> signal;
};

struct Command {
  std::vector<std::string> arguments;  // the program first
  std::map<std::string, std::string>
      environment;               // added to this process's own; empty value: taken away
  std::filesystem::path output;  // a folder for what it prints
};

// A child process in a group of its own. It is killed with the object, should it still run.
class Process {
 public:
  explicit Process(const Command& command);
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();

  pid_t pid() const { return pid_; }
  std::optional<Ending> ended();
  // Waits for the end; a test fails and the process is killed when it does not come.
  Ending wait(std::chrono::milliseconds patience = kPatience);
  void send(int signal) const;

  std::string out() const;  // what it has printed so far
  std::string err() const;

 private:
  pid_t pid_ = 0;
  std::optional<Ending> ending_;
  std::filesystem::path out_, err_;
};

}  // namespace skerry::testing
