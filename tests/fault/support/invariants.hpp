// What must be true of a cloud and its edges, whatever died and whenever. Looks at the state
// directories of hosts that have stopped, or at copies of them.
//
//   acknowledged   nothing that one side was told to be safe is missing at the other
//   once           nothing counts twice: one end a task, one update a node and round
//   recomputes     a published round's set is as it was frozen, and gives the same bits again
//   contiguous     rounds, models, records and events are numbered without a gap
//   blobs          every blob that is referenced is there, and every blob matches its name
//   audit          the chain of the audit log is whole
//   finite         every value of a published model is finite
//   ends           every job has ended (only where the caller says that it must have)
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace skerry::fault {

struct Violation {
  std::string rule;
  std::string detail;
};

struct Report {
  std::vector<Violation> violations;
  int jobs = 0, tasks = 0, rounds = 0;
  int recomputed = 0;  // of the rounds: those whose updates are all still there

  bool ok() const { return violations.empty(); }
  int count(const std::string& rule) const;
  std::string text() const;  // a line each, then one with the figures
};

struct States {
  std::filesystem::path cloud;
  std::vector<std::filesystem::path> edges;
};

struct Demands {
  bool jobs_have_ended = false;
  // Rounds whose updates are gone are a violation as well, not just uncounted. For hosts that ran
  // with SKERRY_KEEP_BLOBS=1.
  bool all_recompute = false;
  // Besides those of the job and of this build.
  std::vector<std::filesystem::path> plugin_paths;
};

// Never throws: a state that cannot be read is a violation of the rule "readable".
Report check(const States& states, const Demands& demands = {});

}  // namespace skerry::fault
