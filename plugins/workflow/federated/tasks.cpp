#include "tasks.hpp"

#include <cmath>
#include <limits>

namespace federated {
namespace {

constexpr const char* kEstimator = "estimator";
constexpr const char* kDataset = "dataset";
constexpr const char* kAggregation = "aggregation";
constexpr const char* kCodec = "codec";

std::uint64_t seed_of(const skerry::TaskContext& context) {
  // Read as it is: a seed takes all 64 bits, and Config's integers have 63.
  return context.params().json().at("seed").get<std::uint64_t>();
}

// This node's share of a split, which must not be empty.
const skerry_data& share(const skerry::TaskContext& context, const char* split, const char* cure) {
  const auto index = static_cast<std::uint32_t>(context.params().integer("index"));
  const auto parts = static_cast<std::uint32_t>(context.params().integer("parts"));
  const skerry_data& data = context.load_data(kDataset, split, index, parts);
  if (skerry::rows_of(data) == 0) {
    throw skerry::invalid("dataset", "share " + std::to_string(index + 1) + " of " +
                                         std::to_string(parts) + " of the " + split +
                                         " rows is empty; " + cure);
  }
  return data;
}

}  // namespace

skerry::EstimatorRef Model::open(const skerry::TaskContext& context) {
  skerry::EstimatorRef estimator = context.estimator(kEstimator);
  if (!prepared_) {
    const skerry_data& data = context.load_data(kDataset, "info", 0, 1);
    estimator.prepare(*data.info, seed_of(context));
    prepared_ = true;
  }
  return estimator;
}

// Prepares anew each time: the first weights depend on the seed only.
void InitTask::run(skerry::TaskContext& context) {
  Model model;
  context.write_tensors("model", model.open(context).weights());
}

void TrainTask::run(skerry::TaskContext& context) {
  const skerry_data& data =
      share(context, "train", "use fewer nodes, more rows, or another partition");
  skerry::EstimatorRef estimator = model_.open(context);
  estimator.set_weights(context.input_tensors("model"));
  const auto round = static_cast<std::uint32_t>(context.params().integer("round"));
  context.metrics(estimator.train(data, {round - 1, seed_of(context), context.call_id()}));
  context.throw_if_cancelled();
  if (context.params().boolean("encode", false)) {
    const skerry::OwnedTensors encoded =
        context.codec(kCodec).encode(estimator.weights(), context.input_tensors("model"));
    context.write_tensors("update", encoded.views());
  } else {
    context.write_tensors("update", estimator.weights());
  }
  context.result()["samples"] = skerry::rows_of(data);
}

void DecodeTask::run(skerry::TaskContext& context) {
  const skerry::OwnedTensors update =
      context.codec(kCodec).decode(context.input_tensors("encoded"), context.input_tensors("base"));
  context.write_tensors("update", update.views());
}

void AggregateTask::run(skerry::TaskContext& context) {
  std::vector<std::string> inputs;
  std::vector<skerry::Update> updates;
  for (const skerry::Config& each : context.params().objects("updates")) {
    inputs.emplace_back("u").append(std::to_string(updates.size()));
    const std::int64_t samples = each.integer("samples");
    updates.push_back({each.string("node"),
                       static_cast<std::uint64_t>(each.integer("weight", samples)),
                       each.number("loss", std::numeric_limits<double>::quiet_NaN())});
  }
  context.aggregate(kAggregation, inputs, updates, "base", "model");
}

void EvaluateTask::run(skerry::TaskContext& context) {
  const skerry_data& data =
      share(context, "holdout", "raise the dataset's holdout, or set evaluation.where to none");
  skerry::EstimatorRef estimator = model_.open(context);
  estimator.set_weights(context.input_tensors("model"));
  context.metrics(estimator.evaluate(data));
  context.result()["samples"] = skerry::rows_of(data);
}

}  // namespace federated
