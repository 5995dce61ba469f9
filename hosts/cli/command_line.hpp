#pragma once

namespace skerry::cli {

// Returns the exit status.
int run_command_line(int argc, char** argv);

}  // namespace skerry::cli
