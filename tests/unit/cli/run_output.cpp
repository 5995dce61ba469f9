#include "run_output.hpp"

#include <sys/wait.h>

#include <cstdlib>

#include "core/base/file.hpp"

namespace test {

Output run_skerry(const std::vector<std::string>& arguments, const std::string& environment) {
  const auto folder = skerry::TempDir::create();
  const auto out = folder->path() / "out", err = folder->path() / "err";
  std::string command = "env " + environment + " " SKERRY_BIN_DIR "/skerry";
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  const int status =
      std::system((command + " </dev/null >" + out.string() + " 2>" + err.string()).c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, *skerry::read_file(out),
          *skerry::read_file(err)};
}

}  // namespace test
