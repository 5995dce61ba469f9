// Joint inference as Sedna has it by default: the edge's model answers first, and its filter judges
// the answer.
#include <skerry/inference.hpp>

namespace {

class InferThenMine : public skerry::Inference {
 public:
  skerry::Step next(const skerry::Question& question) override {
    if (!question.predicted(0)) return skerry::Step::predict(0);
    if (!question.judged(0)) return skerry::Step::judge(0);
    return question.hard(0) ? skerry::Step::ask_cloud() : skerry::Step::answer(0);
  }
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<InferThenMine>("infer-then-mine"));
