#pragma once

#include <skerry/abi.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/runtime/aggregation_sources.hpp"

namespace skerry::runtime {

class Instance;

struct AggregationTask {
  const skerry_aggregation_v1* rule = nullptr;
  skerry_instance* instance = nullptr;
  std::string who;                    // the rule's plugin, for messages
  const Instance* feature = nullptr;  // the same, to record calls; may be null
  std::vector<AggregationSource> inputs;
  std::vector<skerry_update> updates;  // one for each input
  std::optional<AggregationSource> base;
  std::filesystem::path output;
  std::uint32_t threads = 1;
  std::uint64_t tile_elements = 32 * 1024;
  std::function<bool()> cancelled;  // any thread; may be empty
};

struct AggregationResult {
  Digest digest;
  std::uint64_t size = 0;
};

// Runs an aggregation tile by tile and writes the new model to a file, which is removed again on
// failure. Memory is O(threads x tile x clients), however large the model. The result has the same
// bits for any number of threads and any tile size, provided that the rule keeps its promise
// (abi.h). The first error ends everything.
Result<AggregationResult> run_aggregation(const AggregationTask& task);

}  // namespace skerry::runtime
