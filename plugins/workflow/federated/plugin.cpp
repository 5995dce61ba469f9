#include <skerry/plugin.hpp>

#include "tasks.hpp"
#include "workflow.hpp"

SKERRY_PLUGIN(skerry::feature<federated::FederatedWorkflow>("federated"),
              skerry::feature<federated::InitTask>("federated.init"),
              skerry::feature<federated::TrainTask>("federated.train"),
              skerry::feature<federated::DecodeTask>("federated.decode"),
              skerry::feature<federated::AggregateTask>("federated.aggregate"),
              skerry::feature<federated::EvaluateTask>("federated.evaluate"));
