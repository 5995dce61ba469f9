#pragma once

#include <skerry/task.hpp>

namespace joint {

// Lets both models answer for a node's labelled examples, and finds the threshold. params: split,
// seed, edgeModel and cloudModel (whether there are such inputs: "edge", "cloud"), choose. Result:
// see calibration.hpp.
class CalibrateTask : public skerry::Task {
 public:
  void run(skerry::TaskContext&) override;
};

}  // namespace joint
