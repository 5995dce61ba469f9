#pragma once

#include <skerry/host.hpp>
#include <skerry/workflow.hpp>

namespace federated {

// The paradigm: rounds of training on nodes whose data stays where it is. What happens is in
// step.hpp.
class FederatedWorkflow : public skerry::Workflow {
 public:
  FederatedWorkflow(const skerry::Config&, skerry::Host& host) : host_(host) {}
  skerry::Decision decide(const skerry::Event&, skerry::Json state) override;

 private:
  skerry::Host& host_;
};

}  // namespace federated
