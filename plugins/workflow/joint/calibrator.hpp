#pragma once

#include <skerry/workflow.hpp>

namespace joint {

// JointCalibration: one task on the first node that is there, and its answer as a record.
//
// The state: {"phase": "waiting" | "calibrating" | "done", "inputs" and "params" of the task,
// "task": the one that was started}.
class Calibrator : public skerry::Workflow {
 public:
  skerry::Decision decide(const skerry::Event& event, skerry::Json state) override;
};

}  // namespace joint
