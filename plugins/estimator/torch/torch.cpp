// Estimator "torch": joins the models and the training loop to the plugin boundary.
#include "errors.hpp"
#include "machine.hpp"
#include "model.hpp"
#include "objective.hpp"
#include "settings.hpp"
#include "training.hpp"

#include <skerry/estimator.hpp>

#include <ATen/ATen.h>

#include <optional>

namespace skerry::torch_plugin {
namespace {

DType dtype_of_weight(const NamedWeight& weight) {
  const auto bits = static_cast<std::uint8_t>(weight.tensor.element_size() * 8);
  switch (weight.tensor.scalar_type()) {
    case at::kFloat:
    case at::kDouble:
    case at::kHalf:
      return {SKERRY_FLOAT, bits};
    case at::kBFloat16:
      return {SKERRY_BFLOAT, bits};
    case at::kBool:
      return {SKERRY_BOOL, bits};
    case at::kByte:
      return {SKERRY_UINT, bits};
    case at::kLong:
    case at::kInt:
    case at::kShort:
    case at::kChar:
      return {SKERRY_INT, bits};
    default:
      throw invalid("script", "\"" + weight.name + "\" is of type " +
                                  toString(weight.tensor.scalar_type()) +
                                  ", which cannot be exchanged");
  }
}

class TorchEstimator : public Estimator {
 public:
  TorchEstimator(const Config& config, Host& host) : settings_(read_settings(config)), host_(host) {
    set_up_process();
  }

  void prepare(const DatasetInfo& info, std::uint64_t seed) override {
    translating_errors("building the model", [&] {
      use_threads(host_.threads());
      Objective objective(settings_.loss, info);
      seed_generator(seed);
      auto model = settings_.architecture == Architecture::script
                       ? load_script(settings_.script)
                       : build_network(settings_, info.shape, objective.outputs());
      if (settings_.architecture == Architecture::script) try_out(*model, objective, info);
      row_shape_ = info.shape;
      objective_ = objective;
      model_ = std::move(model);
    });
  }

  std::vector<NamedTensor> weights() override {
    std::vector<NamedTensor> result;
    for (const NamedWeight& each : model().weights()) {
      if (!each.tensor.is_contiguous()) {
        throw Error(SKERRY_FAILED, "script",
                    "\"" + each.name + "\" was replaced in training by a tensor that is not dense");
      }
      result.push_back(
          {each.name, {each.tensor.data_ptr(), dtype_of_weight(each), each.tensor.sizes().vec()}});
    }
    return result;
  }

  void set_weights(const std::vector<NamedTensor>& weights) override {
    const std::vector<NamedTensor> own = this->weights();
    for (std::size_t i = 0; i < own.size(); ++i) {
      std::memcpy(own[i].tensor.raw(), weights[i].tensor.raw(), own[i].tensor.bytes());
    }
  }

  void train(const Data& data, const TrainParams& params, Metrics& metrics) override {
    translating_errors("training", [&] {
      use_threads(host_.threads());
      const auto stop_if_cancelled = [&] { host_.throw_if_cancelled(params.call_id); };
      const Result result = torch_plugin::train(model(), *objective_, settings_, rows_of(data),
                                                params.round, params.seed, stop_if_cancelled);
      report(result, metrics);
    });
  }

  void evaluate(const Data& data, Metrics& metrics) override {
    translating_errors("evaluating", [&] {
      use_threads(host_.threads());
      report(torch_plugin::evaluate(model(), *objective_, rows_of(data)), metrics);
    });
  }

  Prediction predict(const TensorView& features) override {
    return translating_errors("predicting", [&] {
      use_threads(host_.threads());
      return torch_plugin::predict(model(), *objective_, features_of(features));
    });
  }

 private:
  // Shows whether a script takes these rows and puts out what the loss needs, before any training.
  static void try_out(Model& model, const Objective& objective, const DatasetInfo& info) {
    constexpr std::int64_t kRows = 2;
    std::vector<std::int64_t> shape = info.shape;
    shape.insert(shape.begin(), kRows);
    const at::NoGradGuard no_gradient;
    model.set_training(false);
    const at::Tensor outputs = [&] {
      try {
        return model.forward(at::zeros(shape));
      } catch (const Error&) {
        throw;
      } catch (...) {
        throw invalid("script", "the model does not take a batch of shape " + shape_text(shape) +
                                    ", as this dataset gives it: " + current_exception_text());
      }
    }();
    objective.check_outputs(outputs, kRows);
  }

  Model& model() const {
    if (!model_) throw Error(SKERRY_INTERNAL, "", "prepare() was not called");
    return *model_;
  }

  at::Tensor features_of(const TensorView& features) const {
    std::vector<std::int64_t> wanted = row_shape_;
    wanted.insert(wanted.begin(), features.shape().empty() ? 0 : features.shape()[0]);
    if (features.shape() != wanted) {
      throw invalid("", "the model was prepared for rows of " + shape_text(row_shape_) +
                            ", found features of " + shape_text(features.shape()));
    }
    return at::from_blob(features.data<float>(), features.shape(), at::kFloat);
  }

  Rows rows_of(const Data& data) const {
    model();
    Rows rows = {features_of(data.features), {}};
    if (rows.count() == 0) throw invalid("", "no rows: the node's share of the dataset is empty");
    if (data.labels.shape() != std::vector<std::int64_t>{rows.count()}) {
      throw invalid("", std::to_string(rows.count()) +
                            " rows need one label each, found labels of " +
                            shape_text(data.labels.shape()));
    }
    rows.targets = objective_->targets(data.labels);
    return rows;
  }

  void report(const Result& result, Metrics& metrics) const {
    metrics.add("loss", result.loss);
    metrics.add(objective_->score_name(), result.score);
  }

  const Settings settings_;
  Host& host_;
  std::vector<std::int64_t> row_shape_;
  std::optional<Objective> objective_;
  std::unique_ptr<Model> model_;
};

}  // namespace
}  // namespace skerry::torch_plugin

SKERRY_PLUGIN(skerry::feature<skerry::torch_plugin::TorchEstimator>("torch"));
