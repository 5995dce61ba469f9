// JointInferenceService: one task that serves on every edge and as many on the cloud as it says,
// and where it has sources a feed on every edge.
//
// The state:
//   phase      "serving" or "done"
//   edge       side (settings.hpp); cloud: side or null; feed: side, where there are sources
//   nodes      {node: is it connected}
//   places     {"edge/NODE", "feed/NODE", "cloud/REPLICA": {"side", "node", "replica", "served":
//              the latest version that was ready there, "tries": failures of the newest version in
//              a row, "why": the last one's reason, "refused": it was told that trying does not
//              help, "waits": a timer will start it, "ended": a feed's sources have no more}}
//   tasks      {id: {"place", "side", "version", "ready": since when, in ms, "queued": its node was
//              away when it started}} that are open
//   edges, clouds  what totals.hpp keeps
//   before     {side: the models to go back to}
//   starts     how many tasks were started
//   begun, recorded  ms; news: has anything been counted since the last record
//   status, fault, hint  what was told, a version that was refused, a signal that was
#pragma once

#include <skerry/workflow.hpp>

namespace joint {

class Service : public skerry::Workflow {
 public:
  skerry::Decision decide(const skerry::Event& event, skerry::Json state) override;
};

}  // namespace joint
