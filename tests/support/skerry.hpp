#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "tests/support/process.hpp"
#include "tests/support/process_table.hpp"
#include "tests/support/scratch.hpp"

namespace skerry::testing {

std::filesystem::path program(const std::string& name);  // as built: skerry, skerry-cloud, ...
std::filesystem::path fixture_plugins(
    const std::string& name);  // the folder of one of tests/fixtures/plugins

// What a command came to.
struct Output {
  Ending ending;
  std::string out, err;

  bool ok() const { return ending.status == 0; }
  Json json() const;        // the last line of `out`
  std::string all() const;  // for messages
};

std::vector<Json> json_lines(const std::string& text);

// A test that runs Skerry's programs. They see a folder of the test's own and nothing of the
// user's, and none of them may be left when the test is over.
class SkerryTest : public ::testing::Test {
 protected:
  SkerryTest();
  void TearDown() override;

  // Starts a program. Keep the result in the test's body, so that it is gone before TearDown().
  Process start(const std::string& name, std::vector<std::string> arguments,
                const std::map<std::string, std::string>& environment = {}) const;
  // `skerry ARGUMENTS`, to its end.
  Output skerry(std::vector<std::string> arguments) const;
  static Output finish(Process& process, std::chrono::milliseconds patience = kPatience);

  std::vector<Running> running() const { return skerry_processes(scratch.path()); }
  // What lies in the folder for temporary files; empty when everything has cleaned up behind
  // itself.
  std::vector<std::filesystem::path> temporary_files() const;

  Scratch scratch;
};

}  // namespace skerry::testing
