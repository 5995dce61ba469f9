// Runs a program and collects what it prints.
#pragma once

#include <string>
#include <vector>

namespace test {

struct Output {
  int status = -1;  // exit status; -1: a signal ended it
  std::string out;
  std::string err;
};

// Arguments are quoted for the shell; `environment` is put before the command as it stands.
Output run_skerry(const std::vector<std::string>& arguments, const std::string& environment = {});

}  // namespace test
