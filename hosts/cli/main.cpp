#include "hosts/cli/command_line.hpp"

int main(int argc, char** argv) {
  return skerry::cli::run_command_line(argc, argv);
}
