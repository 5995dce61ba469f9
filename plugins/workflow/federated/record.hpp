#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <skerry/workflow.hpp>

#include "state.hpp"

namespace federated {

// What is told of a round: its line in metrics.jsonl.
struct Record {
  skerry::Json json;
  // The evaluation's metrics under their own names, and the training loss as "trainLoss". A job
  // without evaluation has the training loss as "loss" as well.
  std::map<std::string, double> metrics;
};

// For a round that ends now: aggregated, and evaluated when it was due.
Record make_record(const State&, std::int64_t now_ms);

}  // namespace federated
