#include <skerry/estimator.hpp>
#include <algorithm>
#include <cmath>

class @CLASS@ : public skerry::Estimator {
 public:
  @CLASS@(const skerry::Config& config, skerry::Host& host) : host_(host), rate_(config.number("rate", 0.05)) {}

  void prepare(const skerry::DatasetInfo& info, std::uint64_t) override {
    if (info.label_kind != skerry::LabelKind::classes) throw skerry::invalid("", "this model needs labels of classes");
    width_ = info.row_size();
    means_.assign(info.classes * width_, 0);
  }
  std::vector<skerry::NamedTensor> weights() override {
    return {{"means", {means_.data(), skerry::dtype_of<float>(), {classes(), static_cast<std::int64_t>(width_)}}}};
  }
  void set_weights(const std::vector<skerry::NamedTensor>& weights) override {
    std::copy_n(weights.at(0).tensor.data<const float>(), means_.size(), means_.begin());
  }
  void train(const skerry::Data& data, const skerry::TrainParams& params, skerry::Metrics& metrics) override {
    const auto* row = data.features.data<const float>();
    for (std::int64_t i = 0; i < data.rows(); ++i) {
      if (i % 256 == 0) host_.throw_if_cancelled(params.call_id);
      float* mean = means_.data() + width_ * static_cast<std::size_t>(data.labels.data<const std::int64_t>()[i]);
      for (std::size_t k = 0; k < width_; ++k, ++row) mean[k] += static_cast<float>(rate_) * (*row - mean[k]);
    }
    evaluate(data, metrics);
  }
  void evaluate(const skerry::Data& data, skerry::Metrics& metrics) override {
    const std::vector<float> likely = predict(data.features).values;
    double loss = 0, right = 0, rows = static_cast<double>(std::max<std::int64_t>(1, data.rows()));
    for (std::int64_t i = 0; i < data.rows(); ++i) {
      const auto first = likely.begin() + i * classes(), own = first + data.labels.data<const std::int64_t>()[i];
      loss -= std::log(std::max(1e-12, static_cast<double>(*own)));
      right += std::max_element(first, first + classes()) == own ? 1 : 0;
    }
    metrics.add("loss", loss / rows);
    metrics.add("accuracy", right / rows);
  }
  // The classes' probabilities: the nearer its mean (by the mean squared distance), the likelier a class.
  skerry::Prediction predict(const skerry::TensorView& features) override {
    skerry::Prediction prediction{{features.shape().at(0), classes()}, {}};
    for (const float *row = features.data<const float>(), *end = row + features.size(); row != end; row += width_) {
      float sum = 0, far = 0;
      for (auto mean = means_.begin(); mean != means_.end(); far = 0) {
        for (std::size_t k = 0; k < width_; ++k, ++mean) far += (row[k] - *mean) * (row[k] - *mean);
        sum += prediction.values.emplace_back(std::exp(-std::min(80.0F, far / static_cast<float>(width_))));
      }
      for (auto one = prediction.values.end() - classes(); one != prediction.values.end(); ++one) *one /= sum;
    }
    return prediction;
  }
 private:
  std::int64_t classes() const { return static_cast<std::int64_t>(means_.size() / std::max<std::size_t>(1, width_)); }
  skerry::Host& host_;
  const double rate_;
  std::size_t width_ = 0;
  std::vector<float> means_;
};
SKERRY_PLUGIN(skerry::feature<@CLASS@>("@NAME@"));
