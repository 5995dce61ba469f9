// What a model is trained for: the loss, and how good its outputs are.
#pragma once

#include "settings.hpp"

#include <skerry/dataset.hpp>

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace skerry::torch_plugin {

class Objective {
 public:
  // Throws skerry::Error with field "loss" when the loss does not fit the labels.
  Objective(Loss loss, const DatasetInfo& info);

  // How many numbers the model puts out for a row: one a class, or one.
  std::int64_t outputs() const { return outputs_; }

  // The labels as the loss wants them, [rows]: int64 for cross_entropy, else float32. May share
  // their memory. Throws skerry::Error naming the first label that is out of range.
  at::Tensor targets(const TensorView& labels) const;

  // The mean over the rows. Throws skerry::Error with field "script" when the outputs have another
  // shape than [rows, outputs()]; one output a row may also come as [rows].
  at::Tensor mean_loss(const at::Tensor& outputs, const at::Tensor& targets) const;

  // The second metric beside the loss: "accuracy", or "mae", the mean absolute error.
  const char* score_name() const { return loss_ == Loss::mse ? "mae" : "accuracy"; }
  // Its sum over the rows.
  double score_sum(const at::Tensor& outputs, const at::Tensor& targets) const;

  void check_outputs(const at::Tensor& outputs, std::int64_t rows) const;

  // What the outputs mean, float32 [rows, n]: of classes the probabilities, of a yes or no that is
  // no class the probability of yes, else the outputs themselves.
  at::Tensor predictions(const at::Tensor& outputs) const;

 private:
  Loss loss_;
  std::int64_t outputs_;
  bool has_classes_;
};

}  // namespace skerry::torch_plugin
