// JointInferenceService: one task that serves on every edge and as many on the cloud as it says.
//
// The state: {"phase": "serving" | "done", "edge": side, "cloud": side or null (settings.hpp),
// "nodes": [node], "tasks": {id: {"side", "node", "replica", "version", "try"}} that are open,
// "tries": {place: failures in a row}, "edges": and "clouds": what totals.hpp keeps, "begun": ms,
// "told": the last record}.
#pragma once

#include <skerry/workflow.hpp>

namespace joint {

class Service : public skerry::Workflow {
 public:
  skerry::Decision decide(const skerry::Event& event, skerry::Json state) override;
};

}  // namespace joint
