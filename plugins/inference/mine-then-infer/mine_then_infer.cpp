// Sedna's other order: the filter judges the example itself, and the edge's model is spared where
// the cloud will answer. Should it not, the host lets the edge's model answer after all.
#include <skerry/inference.hpp>

namespace {

class MineThenInfer : public skerry::Inference {
 public:
  skerry::Step next(const skerry::Question& question) override {
    if (!question.judged(0)) return skerry::Step::judge(0);
    if (question.hard(0)) return skerry::Step::ask_cloud();
    return question.predicted(0) ? skerry::Step::answer(0) : skerry::Step::predict(0);
  }
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<MineThenInfer>("mine-then-infer"));
