// What the job says of the edge's model counts only where the cloud does not answer in time.
#include <skerry/inference.hpp>

namespace {

class CloudOnly : public skerry::Inference {
 public:
  skerry::Step next(const skerry::Question&) override { return skerry::Step::ask_cloud(); }
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<CloudOnly>("cloud-only"));
