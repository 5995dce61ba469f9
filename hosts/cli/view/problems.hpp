// How the tool ends: exit statuses, problems in words and as JSON.
#pragma once

#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/base/result.hpp"

namespace skerry::cli {

enum Exit : int {
  kOk = 0,
  kFailed = 1,        // the job or the operation failed
  kBadInput = 2,      // the input or the command line is wrong; nothing was started
  kInterrupted = 130  // Ctrl-C
};

using Problems = std::vector<Problem>;

// A line each on standard error; with `json` also {"problems": [...]} on standard output. Returns
// `exit`.
int complain(const Problems& problems, bool json, int exit);
int complain(const Problem& problem, bool json, int exit);

// kBadInput for what the user can only cure by other input, otherwise kFailed.
int exit_for(const Problems& problems);

Json problems_json(const Problems& problems);
Problems problems_from_json(const Json& body);  // of a failed reply; at least one

void print_json(const Json& value);  // one line on standard output

}  // namespace skerry::cli
