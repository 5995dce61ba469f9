// A cascade of models, the cheapest first: the first whose filter does not find its answer hard has
// the last word; where all do, the cloud has it.
#include <skerry/inference.hpp>

namespace {

class Cascade : public skerry::Inference {
 public:
  skerry::Step next(const skerry::Question& question) override {
    for (std::uint32_t stage = 0; stage < question.stages(); ++stage) {
      if (!question.predicted(stage)) return skerry::Step::predict(stage);
      if (!question.judged(stage)) return skerry::Step::judge(stage);
      if (!question.hard(stage)) return skerry::Step::answer(stage);
    }
    return skerry::Step::ask_cloud();
  }
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Cascade>("cascade"));
