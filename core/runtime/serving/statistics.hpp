// What a worker that serves tells about itself: counts since it began, and how long things took.
// One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "core/runtime/serving/histogram.hpp"

namespace skerry::runtime {

struct Statistics {
  std::uint64_t requests = 0;   // that were answered or refused
  std::uint64_t hard = 0;       // that the strategy wanted the cloud for
  std::uint64_t offloaded = 0;  // that went there
  std::uint64_t by_edge = 0;    // answered
  std::uint64_t by_cloud = 0;
  std::uint64_t fallbacks = 0;  // answered by the edge, for want of the cloud
  std::uint64_t refused = 0;    // without an answer: bad input, or the cloud was missing
  std::uint64_t missed = 0;     // the cloud did not answer in time
  std::uint64_t late = 0;       // it did later
  std::uint64_t spared = 0;     // hard, and not sent: the breaker was open, or the link too slow
  std::uint64_t audited = 0;    // easy ones that the cloud answered too
  std::uint64_t audit_disagreed = 0;
  std::uint64_t compared = 0;  // hard ones of which both answers are known
  std::uint64_t disagreed = 0;
  std::uint64_t labelled = 0;  // the asker knew the class
  std::uint64_t right = 0;
  std::uint64_t edge_known = 0;  // of the labelled: the edge has answered
  std::uint64_t edge_right = 0;
  std::uint64_t encoded = 0;   // examples that went to the cloud in another form
  std::uint64_t bytes_up = 0;  // of all examples that went there
  std::uint64_t labels_kept = 0;
  std::uint64_t labels_dropped = 0;
  std::uint64_t batches = 0;  // of the cloud's worker
  std::uint64_t expired = 0;  // dropped before they entered a batch
  int breaker = 0;            // 0 closed, 1 open, 2 probing
  Histogram total, wire, queue, compute;

  // Counts by name; of each histogram its buckets, as "total.le.95": so many took at most 95
  // microseconds, and more than the bucket before. All but "breaker" adds up over workers.
  std::map<std::string, double> metrics() const;
};

}  // namespace skerry::runtime
