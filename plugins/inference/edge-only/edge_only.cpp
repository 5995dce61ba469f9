#include <skerry/inference.hpp>

namespace {

class EdgeOnly : public skerry::Inference {
 public:
  skerry::Step next(const skerry::Question& question) override {
    return question.predicted(0) ? skerry::Step::answer(0) : skerry::Step::predict(0);
  }
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<EdgeOnly>("edge-only"));
