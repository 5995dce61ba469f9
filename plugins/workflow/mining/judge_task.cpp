#include "judge_task.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace mining {
namespace {

constexpr std::size_t kBatch = 256;  // examples that are predicted and judged at a time

struct Counts {
  std::uint64_t examples = 0, hard = 0, right = 0, right_hard = 0;
};

// `rows` rows of a float32 tensor from `first` on; `shape` is the room for theirs.
skerry_tensor part_of(const skerry_tensor& whole, std::size_t first, std::size_t rows,
                      std::vector<std::int64_t>& shape) {
  shape.assign(whole.shape, whole.shape + whole.ndim);
  shape[0] = static_cast<std::int64_t>(rows);
  std::size_t width = sizeof(float);
  for (std::size_t i = 1; i < shape.size(); ++i) width *= static_cast<std::size_t>(shape[i]);
  skerry_tensor part = whole;
  part.data = static_cast<char*>(whole.data) + whole.byte_offset + first * width;
  part.byte_offset = 0;
  part.shape = shape.data();
  return part;
}

std::int64_t most_likely(const skerry::Prediction& prediction, std::size_t row) {
  const auto outputs = static_cast<std::size_t>(prediction.shape.at(1));
  const auto first = prediction.values.begin() + static_cast<std::ptrdiff_t>(row * outputs);
  return std::max_element(first, first + static_cast<std::ptrdiff_t>(outputs)) - first;
}

// The job's model with the weights that it came with, or those of the seed.
skerry::EstimatorRef open_model(const skerry::TaskContext& context, const skerry_data& data) {
  skerry::EstimatorRef estimator = context.estimator("estimator");
  estimator.prepare(*data.info, context.params().json().at("seed").get<std::uint64_t>());
  if (context.params().boolean("model", false))
    estimator.set_weights(context.input_tensors("model"));
  return estimator;
}

class Judge {
 public:
  Judge(const skerry::TaskContext& context, const skerry_data& data)
      : data_(data), filter_(context.sampling("sampling")) {
    if ((filter_.needs() & SKERRY_NEEDS_PREDICTIONS) != 0 ||
        context.params().boolean("predict", false))
      model_.emplace(open_model(context, data));
  }

  bool knows_right() const { return model_ && data_.info->label_kind == SKERRY_LABEL_CLASS; }
  const Counts& counts() const { return counts_; }

  void judge(std::size_t first, std::size_t rows) {
    const skerry_tensor features = part_of(data_.features, first, rows, shape_);
    skerry::Prediction prediction;
    if (model_) prediction = model_->predict(features);
    const skerry::TensorView answers(model_ ? prediction.values.data() : nullptr,
                                     skerry::dtype_of<float>(), prediction.shape);
    const auto judgements = filter_.judge(rows, features, answers.abi());
    for (std::size_t row = 0; row < rows; ++row) count(judgements[row], prediction, first, row);
  }

 private:
  void count(const skerry::Judgement& judgement, const skerry::Prediction& prediction,
             std::size_t first, std::size_t row) {
    ++counts_.examples;
    if (judgement.hard) ++counts_.hard;
    if (!knows_right()) return;
    const auto* labels = skerry::TensorView(data_.labels).data<const std::int64_t>();
    if (most_likely(prediction, row) != labels[first + row]) return;
    ++counts_.right;
    if (judgement.hard) ++counts_.right_hard;
  }

  const skerry_data& data_;
  skerry::SamplingRef filter_;
  std::optional<skerry::EstimatorRef> model_;
  std::vector<std::int64_t> shape_;
  Counts counts_;
};

}  // namespace

void JudgeTask::run(skerry::TaskContext& context) {
  const auto index = static_cast<std::uint32_t>(context.params().integer("index"));
  const auto parts = static_cast<std::uint32_t>(context.params().integer("parts"));
  const skerry_data& data =
      context.load_data("dataset", context.params().string("split"), index, parts);
  const std::size_t rows = skerry::rows_of(data);
  if (rows == 0)
    throw skerry::invalid("dataset",
                          "this node has no rows to judge; raise the dataset's holdout, "
                          "set split to train, or use fewer nodes");
  Judge judge(context, data);
  for (std::size_t first = 0; first < rows; first += kBatch) {
    context.throw_if_cancelled();
    judge.judge(first, std::min(kBatch, rows - first));
    context.progress(static_cast<double>(first) / static_cast<double>(rows));
  }
  const Counts& counts = judge.counts();
  skerry::Json& result = context.result();
  result = {{"examples", counts.examples}, {"hard", counts.hard}};
  if (!judge.knows_right()) return;
  result["right"] = counts.right;
  result["rightHard"] = counts.right_hard;
}

}  // namespace mining
