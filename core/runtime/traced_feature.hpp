#pragma once

#include <skerry/abi.h>

#include "core/runtime/instance.hpp"

namespace skerry::runtime {

// A feature that one plugin calls through the host: each call is recorded, so that a crash in it is
// laid at the right door. Kinds that only plugins know of are handed over as they are.
class TracedFeature {
 public:
  // `inner` must outlive this, and this the plugin that it is given to.
  explicit TracedFeature(const Instance& inner);
  TracedFeature(const TracedFeature&) = delete;
  TracedFeature& operator=(const TracedFeature&) = delete;

  skerry_feature get();
  const Instance& inner() const { return inner_; }

 private:
  const Instance& inner_;
  skerry_estimator_v1 estimator_{};
  skerry_selection_v1 selection_{};
  skerry_codec_v1 codec_{};
  skerry_sampling_v1 sampling_{};
};

}  // namespace skerry::runtime
