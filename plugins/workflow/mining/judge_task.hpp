#pragma once

#include <skerry/task.hpp>

namespace mining {

// params: split, index, parts, seed. Input: model, where there is one. Result and metrics:
// examples, hard; where labels and predictions are known, right and rightHard too: how many of all
// and of the hard examples the model is right about.
class JudgeTask : public skerry::Task {
 public:
  void run(skerry::TaskContext&) override;
};

}  // namespace mining
