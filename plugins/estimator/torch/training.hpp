// Passes over rows in memory: training, evaluation, prediction.
#pragma once

#include "model.hpp"
#include "objective.hpp"
#include "settings.hpp"

#include <skerry/estimator.hpp>

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace skerry::torch_plugin {

struct Rows {
  at::Tensor features;  // float32 [n, shape of a row...]
  at::Tensor targets;   // [n], from Objective::targets

  std::int64_t count() const { return features.size(0); }
};

struct Result {
  double loss = 0;   // the mean over the rows; of the last epoch, where there are several
  double score = 0;  // likewise, Objective::score_name
};

// Epochs are numbered through all rounds, and an epoch's number and the seed alone decide its order
// of rows and its dropout: R rounds of E epochs on one node are one training of R x E epochs. The
// state of the optimizer (momentum, Adam's moments) starts afresh each time. before_batch may throw
// to end the training.
Result train(Model& model, const Objective& objective, const Settings& settings, const Rows& rows,
             std::uint32_t round, std::uint64_t seed, const std::function<void()>& before_batch);

Result evaluate(Model& model, const Objective& objective, const Rows& rows);

Prediction predict(Model& model, const Objective& objective, const at::Tensor& features);

}  // namespace skerry::torch_plugin
