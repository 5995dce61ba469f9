#include "calibrate_task.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "calibration.hpp"

namespace joint {
namespace {

constexpr std::size_t kBatch = 256;

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

// As it would when it serves, where an answer that is no number is none.
skerry::Prediction answers_of(skerry::EstimatorRef& model, const char* whose,
                              const skerry_tensor& features) {
  skerry::Prediction prediction = model.predict(features);
  const auto& values = prediction.values;
  if (prediction.shape[1] < 1 ||
      !std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    throw skerry::invalid(whose, "the model's answer is not finite, or empty");
  return prediction;
}

std::int64_t most_likely(const skerry::Prediction& prediction, std::size_t row) {
  const auto outputs = static_cast<std::size_t>(prediction.shape.at(1));
  const auto first = prediction.values.begin() + static_cast<std::ptrdiff_t>(row * outputs);
  return std::max_element(first, first + static_cast<std::ptrdiff_t>(outputs)) - first;
}

skerry::EstimatorRef open_model(const skerry::TaskContext& context, const std::string& slot,
                                const std::string& input, const skerry_data& data) {
  skerry::EstimatorRef estimator = context.estimator(slot);
  estimator.prepare(*data.info, context.params().json().at("seed").get<std::uint64_t>());
  if (context.params().boolean(input + "Model", false))
    estimator.set_weights(context.input_tensors(input));
  return estimator;
}

}  // namespace

void CalibrateTask::run(skerry::TaskContext& context) {
  const skerry_data& data = context.load_data("dataset", context.params().string("split"), 0, 1);
  const std::size_t rows = skerry::rows_of(data);
  if (rows == 0)
    throw skerry::invalid("dataset",
                          "there are no rows to calibrate with; raise the dataset's "
                          "holdout, or set split to train");
  if (data.info->label_kind != SKERRY_LABEL_CLASS)
    throw skerry::invalid("dataset",
                          "its labels are no classes; a threshold is found by how often "
                          "each model is right about classes");
  skerry::EstimatorRef edge = open_model(context, "edge[0].estimator", "edge", data);
  skerry::EstimatorRef cloud = open_model(context, "cloud.estimator", "cloud", data);
  skerry::SamplingRef filter = context.sampling("edge[0].filter");
  const auto* labels = skerry::TensorView(data.labels).data<const std::int64_t>();
  std::vector<Judged> examples;
  examples.reserve(rows);
  std::vector<std::int64_t> shape;
  for (std::size_t first = 0; first < rows; first += kBatch) {
    context.throw_if_cancelled();
    const std::size_t count = std::min(kBatch, rows - first);
    const skerry_tensor features = part_of(data.features, first, count, shape);
    skerry::Prediction of_edge = answers_of(edge, "edge[0].estimator", features);
    const skerry::Prediction of_cloud = answers_of(cloud, "cloud.estimator", features);
    const skerry::TensorView answers(of_edge.values.data(), skerry::dtype_of<float>(),
                                     of_edge.shape);
    const auto judgements = filter.judge(count, features, answers.abi());
    for (std::size_t row = 0; row < count; ++row)
      examples.push_back({judgements[row].score, most_likely(of_edge, row) == labels[first + row],
                          most_likely(of_cloud, row) == labels[first + row]});
    context.progress(static_cast<double>(first) / static_cast<double>(rows));
  }
  const Curve curve(std::move(examples));
  context.result() =
      to_json(curve, choose(curve, parse_choose(context.params().json().at("choose"))));
}

}  // namespace joint
