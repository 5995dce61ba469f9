#include "core/conformance/check.hpp"

namespace skerry::conformance {

const std::vector<Check>& all_checks() {
  static const std::vector<Check> all = [] {
    std::vector<Check> list;
    for (auto* group :
         {file_checks, feature_checks, aggregation_checks, codec_checks, selection_checks,
          sampling_checks, inference_checks, payload_checks, source_checks, sink_checks,
          dataset_checks, estimator_checks, workflow_checks, task_checks}) {
      const auto checks = group();
      list.insert(list.end(), checks.begin(), checks.end());
    }
    return list;
  }();
  return all;
}

}  // namespace skerry::conformance
