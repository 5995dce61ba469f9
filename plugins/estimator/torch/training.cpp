#include "training.hpp"

#include "machine.hpp"

#include <ATen/ATen.h>
#include <torch/optim/adam.h>
#include <torch/optim/sgd.h>

#include <torch/nn/utils/clip_grad.h>  // in LibTorch 1.13 it relies on what the headers above include

#include <algorithm>
#include <numeric>
#include <random>

namespace skerry::torch_plugin {
namespace {

// Enough for the kernels to work at full speed, few enough for the activations to stay in the
// cache.
constexpr std::int64_t kEvaluationBatch = 256;

// Steele, Lea and Flood's SplitMix64: neighbouring seeds give unrelated numbers.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

std::uint64_t seed_of_epoch(std::uint64_t seed, std::uint64_t epoch, std::uint64_t purpose) {
  return mixed(mixed(mixed(seed) ^ epoch) ^ purpose);
}

// Fisher-Yates by hand: the order must not depend on the standard library's version.
std::vector<std::int64_t> permutation(std::int64_t count, std::uint64_t seed) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::mt19937_64 random(seed);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  return order;
}

// The end of the batch that begins at `begin`. A last batch of a single row joins the one before
// it: a BatchNorm layer cannot be trained on one row.
std::int64_t end_of_batch(std::int64_t begin, std::int64_t batch, std::int64_t count) {
  const std::int64_t end = std::min(begin + batch, count);
  return batch > 1 && end == count - 1 ? count : end;
}

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const OptimizerSettings& settings,
                                                        const std::vector<at::Tensor>& parameters) {
  if (settings.adam) {
    const auto options =
        torch::optim::AdamOptions(settings.learning_rate).weight_decay(settings.weight_decay);
    return std::make_unique<torch::optim::Adam>(parameters, options);
  }
  const auto options = torch::optim::SGDOptions(settings.learning_rate)
                           .momentum(settings.momentum)
                           .weight_decay(settings.weight_decay);
  return std::make_unique<torch::optim::SGD>(parameters, options);
}

// Without a gradient, backward() hands over the one it has computed; with one of zeros it would add
// to it.
void forget_gradients(const std::vector<at::Tensor>& parameters) {
  for (const at::Tensor& each : parameters) each.mutable_grad().reset();
}

class Trainer {
 public:
  Trainer(Model& model, const Objective& objective, const Settings& settings)
      : model_(model),
        objective_(objective),
        settings_(settings),
        parameters_(model.trainable()),
        optimizer_(make_optimizer(settings.optimizer, parameters_)) {
    model_.set_training(true);
  }
  ~Trainer() { forget_gradients(parameters_); }

  Result epoch(const Rows& rows, std::vector<std::int64_t>& order,
               const std::function<void()>& before_batch) {
    Result sums;
    const std::int64_t count = rows.count();
    for (std::int64_t begin = 0; begin < count;) {
      before_batch();
      const std::int64_t end = end_of_batch(begin, settings_.batch, count);
      const at::Tensor chosen = at::from_blob(order.data() + begin, {end - begin}, at::kLong);
      step(rows.features.index_select(0, chosen), rows.targets.index_select(0, chosen), sums);
      begin = end;
    }
    return {sums.loss / static_cast<double>(count), sums.score / static_cast<double>(count)};
  }

 private:
  void step(const at::Tensor& features, const at::Tensor& targets, Result& sums) {
    forget_gradients(parameters_);
    const at::Tensor outputs = model_.forward(features);
    const at::Tensor loss = objective_.mean_loss(outputs, targets);
    loss.backward();
    if (settings_.clip_norm) torch::nn::utils::clip_grad_norm_(parameters_, *settings_.clip_norm);
    optimizer_->step();
    sums.loss += loss.item<double>() * static_cast<double>(features.size(0));
    sums.score += objective_.score_sum(outputs, targets);
  }

  Model& model_;
  const Objective& objective_;
  const Settings& settings_;
  const std::vector<at::Tensor> parameters_;
  const std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

// Calls use(outputs, begin, end) for the rows in order, a batch at a time.
template <class Use>
void for_each_batch(Model& model, const at::Tensor& features, const Use& use) {
  const at::NoGradGuard no_gradient;
  model.set_training(false);
  const std::int64_t count = features.size(0);
  for (std::int64_t begin = 0; begin < count; begin += kEvaluationBatch) {
    const std::int64_t end = std::min(begin + kEvaluationBatch, count);
    use(model.forward(features.slice(0, begin, end)), begin, end);
  }
}

}  // namespace

Result train(Model& model, const Objective& objective, const Settings& settings, const Rows& rows,
             std::uint32_t round, std::uint64_t seed, const std::function<void()>& before_batch) {
  Trainer trainer(model, objective, settings);
  const auto epochs = static_cast<std::uint64_t>(settings.epochs);
  Result result;
  for (std::uint64_t epoch = round * epochs; epoch < (std::uint64_t{round} + 1) * epochs; ++epoch) {
    std::vector<std::int64_t> order = permutation(rows.count(), seed_of_epoch(seed, epoch, 1));
    seed_generator(seed_of_epoch(seed, epoch, 2));
    result = trainer.epoch(rows, order, before_batch);
  }
  return result;
}

Result evaluate(Model& model, const Objective& objective, const Rows& rows) {
  Result sums;
  for_each_batch(
      model, rows.features, [&](const at::Tensor& outputs, std::int64_t begin, std::int64_t end) {
        const at::Tensor targets = rows.targets.slice(0, begin, end);
        sums.loss +=
            objective.mean_loss(outputs, targets).item<double>() * static_cast<double>(end - begin);
        sums.score += objective.score_sum(outputs, targets);
      });
  const auto count = static_cast<double>(rows.count());
  return {sums.loss / count, sums.score / count};
}

Prediction predict(Model& model, const Objective& objective, const at::Tensor& features) {
  Prediction result;
  result.shape = {features.size(0), objective.outputs()};
  for_each_batch(model, features,
                 [&](const at::Tensor& outputs, std::int64_t begin, std::int64_t end) {
                   objective.check_outputs(outputs, end - begin);
                   const at::Tensor dense = objective.predictions(outputs).contiguous();
                   result.shape[1] = dense.size(1);
                   const float* values = dense.data_ptr<float>();
                   result.values.insert(result.values.end(), values, values + dense.numel());
                 });
  return result;
}

}  // namespace skerry::torch_plugin
