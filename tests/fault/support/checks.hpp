// The parts of the invariant checker, one a file. Internal to it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "tests/fault/support/invariants.hpp"
#include "tests/fault/support/state_copy.hpp"

namespace skerry::fault {

struct TaskRow {
  std::string id, node, kind, state;
  Json params, inputs;
  std::int64_t downlink_seq = 0;
};

struct JobRow {
  std::int64_t id = 0;
  std::string name, key, phase, plan, message;
  std::int64_t decided = 0;
  std::map<std::string, TaskRow> tasks;
  std::map<std::string, Json> finished;  // TaskFinished events by task; the first, where two are
  std::vector<Json> records;
  std::map<std::int64_t, Digest> models;  // by version

  bool ended() const { return phase == "Succeeded" || phase == "Failed" || phase == "Stopped"; }
};

struct Examination {
  StateCopy& cloud;
  std::vector<StateCopy*> edges;
  std::vector<JobRow> jobs;
  const Demands& demands;
  Report& report;

  void violated(const std::string& rule, const std::string& detail) const {
    report.violations.push_back({rule, detail});
  }
};

void check_sessions(Examination& examination);  // acknowledged
void check_counts(Examination& examination);    // once, contiguous, ends
void check_rounds(Examination& examination);    // once, recomputes, contiguous
void check_blobs(Examination& examination);     // blobs, finite
void check_audit(Examination& examination);     // audit

}  // namespace skerry::fault
