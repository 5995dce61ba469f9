// The processes of this machine, as /proc tells them.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace skerry::testing {

struct Running {
  pid_t pid = 0;
  std::string program;       // its name, as skerry-edge
  std::string command_line;  // words with a space between them
};

// Skerry's processes that were started with a path below `folder`: hosts by their state directory,
// workers by their host's socket.
std::vector<Running> skerry_processes(const std::filesystem::path& folder);

// Of them, those of one program.
std::vector<Running> skerry_processes(const std::filesystem::path& folder,
                                      const std::string& program);

std::string text_of(const std::vector<Running>& processes);

}  // namespace skerry::testing
