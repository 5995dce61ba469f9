#include "objective.hpp"

#include <ATen/ATen.h>

namespace skerry::torch_plugin {
namespace {

std::string description(const DatasetInfo& info) {
  switch (info.label_kind) {
    case LabelKind::classes:
      return std::to_string(info.classes) + " classes";
    case LabelKind::real:
      return "numbers as labels";
    default:
      return "no labels";
  }
}

void check_fit(Loss loss, const DatasetInfo& info) {
  const bool classes = info.label_kind == LabelKind::classes;
  const bool real = info.label_kind == LabelKind::real;
  const std::string found = ", the dataset has " + description(info);
  if (loss == Loss::cross_entropy && !(classes && info.classes >= 2)) {
    throw invalid("loss",
                  "cross_entropy needs two or more classes" + found + (real ? ". Use mse." : "."));
  }
  if (loss == Loss::mse && !real) {
    throw invalid("loss",
                  "mse needs numbers as labels" + found + (classes ? ". Use cross_entropy." : "."));
  }
  if (loss == Loss::bce && !real && !(classes && info.classes == 2)) {
    throw invalid("loss", "bce needs two classes, or labels 0 and 1" + found +
                              (classes ? ". Use cross_entropy." : "."));
  }
}

at::Tensor view(const TensorView& labels, at::ScalarType type) {
  return at::from_blob(labels.raw(), labels.shape(), at::TensorOptions().dtype(type));
}

void check_range(const TensorView& labels, std::int64_t classes) {
  const auto values = labels.elements<const std::int64_t>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0 || values[i] >= classes) {
      throw invalid("", "label " + std::to_string(values[i]) + " in row " + std::to_string(i) +
                            ": classes are 0 to " + std::to_string(classes - 1));
    }
  }
}

void check_yes_or_no(const TensorView& labels) {
  const auto values = labels.elements<const float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != 0.0f && values[i] != 1.0f) {
      throw invalid("loss", "bce needs labels 0 and 1, found " + std::to_string(values[i]) +
                                " in row " + std::to_string(i));
    }
  }
}

}  // namespace

Objective::Objective(Loss loss, const DatasetInfo& info)
    : loss_(loss),
      outputs_(loss == Loss::cross_entropy ? info.classes : 1),
      has_classes_(info.label_kind == LabelKind::classes) {
  check_fit(loss, info);
}

at::Tensor Objective::targets(const TensorView& labels) const {
  if (labels.dtype() == dtype_of<std::int64_t>()) {
    check_range(labels, loss_ == Loss::cross_entropy ? outputs_ : 2);
    const at::Tensor classes = view(labels, at::kLong);
    return loss_ == Loss::cross_entropy ? classes : classes.to(at::kFloat);
  }
  if (loss_ == Loss::cross_entropy)
    throw invalid("", "labels must be int64, found " + labels.dtype().name());
  if (loss_ == Loss::bce) check_yes_or_no(labels);
  return view(TensorView(labels.data<const float>(), labels.dtype(), labels.shape()), at::kFloat);
}

void Objective::check_outputs(const at::Tensor& outputs, std::int64_t rows) const {
  const bool flat = outputs_ == 1 && outputs.dim() == 1 && outputs.size(0) == rows;
  const bool table = outputs.dim() == 2 && outputs.size(0) == rows && outputs.size(1) == outputs_;
  if (!flat && !table) {
    throw invalid("script", "the model puts out " + shape_text(outputs.sizes().vec()) + " for " +
                                std::to_string(rows) + " rows; loss " + name_of(loss_) + " needs " +
                                shape_text({rows, outputs_}) + " with this dataset");
  }
  if (!outputs.is_floating_point()) {
    throw invalid("script", std::string("the model puts out ") + toString(outputs.scalar_type()) +
                                " values; they must be of a floating-point type");
  }
}

at::Tensor Objective::mean_loss(const at::Tensor& outputs, const at::Tensor& targets) const {
  check_outputs(outputs, targets.size(0));
  switch (loss_) {
    case Loss::cross_entropy:
      return at::cross_entropy_loss(outputs, targets);
    case Loss::mse:
      return at::mse_loss(outputs.reshape({-1}), targets);
    default:
      return at::binary_cross_entropy_with_logits(outputs.reshape({-1}), targets);
  }
}

at::Tensor Objective::predictions(const at::Tensor& outputs) const {
  const at::NoGradGuard no_gradient;
  const at::Tensor values = outputs.to(at::kFloat).reshape({-1, outputs_});
  switch (loss_) {
    case Loss::cross_entropy:
      return values.softmax(1);
    case Loss::mse:
      return values;
    default: {
      const at::Tensor yes = values.sigmoid();
      return has_classes_ ? at::cat({1 - yes, yes}, 1) : yes;
    }
  }
}

double Objective::score_sum(const at::Tensor& outputs, const at::Tensor& targets) const {
  const at::NoGradGuard no_gradient;
  switch (loss_) {
    case Loss::cross_entropy:
      return outputs.argmax(1).eq(targets).sum().item<double>();
    case Loss::mse:
      return outputs.reshape({-1}).sub(targets).abs().sum().item<double>();
    default:
      return outputs.reshape({-1}).gt(0).eq(targets.gt(0.5)).sum().item<double>();
  }
}

}  // namespace skerry::torch_plugin
