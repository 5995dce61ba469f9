// The simplest model that learns: for tables, for first tries, and for jobs without libtorch.
#include <skerry/estimator.hpp>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>

#include "regression.hpp"

namespace {

class Linear : public skerry::Estimator {
 public:
  Linear(const skerry::Config& config, skerry::Host& host)
      : host_(host),
        settings_{config.number("lr", 0.1), config.number("l2", 0), whole(config, "batch", 32),
                  whole(config, "epochs", 1)} {}

  // All weights begin at zero: the problem is convex, so that nothing is gained by chance.
  void prepare(const skerry::DatasetInfo& info, std::uint64_t) override {
    if (info.label_kind == skerry::LabelKind::none)
      throw skerry::invalid("", "this model learns from labels, and the dataset has none");
    model_ = std::make_unique<Regression>(info.row_size(), info.classes);
  }

  std::vector<skerry::NamedTensor> weights() override {
    const auto outputs = static_cast<std::int64_t>(model().outputs());
    const auto features = static_cast<std::int64_t>(model().features());
    return {{"weight", {model().weight().data(), skerry::dtype_of<float>(), {outputs, features}}},
            {"bias", {model().bias().data(), skerry::dtype_of<float>(), {outputs}}}};
  }

  void set_weights(const std::vector<skerry::NamedTensor>& weights) override {
    const auto copy = [](const skerry::NamedTensor& from, std::vector<float>& to) {
      const auto elements = from.tensor.elements<const float>();
      std::copy(elements.begin(), elements.end(), to.begin());
    };
    copy(weights.at(0), model().weight());
    copy(weights.at(1), model().bias());
  }

  void train(const skerry::Data& data, const skerry::TrainParams& params,
             skerry::Metrics& metrics) override {
    std::vector<std::size_t> rows(static_cast<std::size_t>(data.rows()));
    double loss = 0;
    for (std::size_t epoch = 0; epoch < settings_.epochs; ++epoch) {
      shuffle(rows, params.seed + params.round * settings_.epochs + epoch);
      loss = 0;
      for (std::size_t at = 0; at < rows.size(); at += settings_.batch) {
        host_.throw_if_cancelled(params.call_id);
        loss +=
            model().step(data, rows, at, std::min(at + settings_.batch, rows.size()), settings_);
      }
    }
    metrics.add("loss", rows.empty() ? 0 : loss / static_cast<double>(rows.size()));
  }

  void evaluate(const skerry::Data& data, skerry::Metrics& metrics) override {
    const Score score = model().score(data);
    metrics.add("loss", score.loss);
    if (model().classifies()) metrics.add("accuracy", score.accuracy);
  }

  skerry::Prediction predict(const skerry::TensorView& features) override {
    const std::int64_t rows = features.shape().at(0);
    skerry::Prediction prediction{{rows, static_cast<std::int64_t>(model().outputs())}, {}};
    std::vector<double> outputs(model().outputs());
    for (std::int64_t row = 0; row < rows; ++row) {
      model().predict(
          features.data<const float>() + static_cast<std::size_t>(row) * model().features(),
          outputs.data());
      prediction.values.insert(prediction.values.end(), outputs.begin(), outputs.end());
    }
    return prediction;
  }

 private:
  static std::size_t whole(const skerry::Config& config, const char* key, std::int64_t fallback) {
    const std::int64_t value = config.integer(key, fallback);
    if (value < 1) throw skerry::invalid(key, "must be at least 1");
    return static_cast<std::size_t>(value);
  }

  // The same order on every machine: std::shuffle's depends on the standard library.
  static void shuffle(std::vector<std::size_t>& rows, std::uint64_t seed) {
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    std::mt19937_64 random(seed);
    for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random() % i]);
  }

  Regression& model() {
    if (!model_) throw skerry::Error(SKERRY_INTERNAL, "", "the model is used before prepare()");
    return *model_;
  }

  skerry::Host& host_;
  const Settings settings_;
  std::unique_ptr<Regression> model_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Linear>("linear"));
