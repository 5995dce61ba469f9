#include "regression.hpp"

#include <algorithm>
#include <cmath>

Regression::Regression(std::size_t features, std::uint32_t classes)
    : classifies_(classes > 0),
      weight_(features * std::max(1U, classes)),
      bias_(std::max(1U, classes)) {}

void Regression::predict(const float* row, double* outputs) const {
  const std::size_t width = features();
  for (std::size_t o = 0; o < bias_.size(); ++o) {
    const float* weight = weight_.data() + o * width;
    double sum = bias_[o];
    for (std::size_t i = 0; i < width; ++i) sum += static_cast<double>(weight[i]) * row[i];
    outputs[o] = sum;
  }
  if (!classifies_) return;
  const double largest = *std::max_element(outputs, outputs + bias_.size());
  double total = 0;
  for (std::size_t o = 0; o < bias_.size(); ++o)
    total += outputs[o] = std::exp(outputs[o] - largest);
  for (std::size_t o = 0; o < bias_.size(); ++o) outputs[o] /= total;
}

// Cross entropy, or half of the squared error: both have the gradient prediction - truth.
double Regression::loss(const skerry::Data& data, std::size_t row,
                        std::vector<double>& outputs) const {
  predict(data.features.data<const float>() + row * features(), outputs.data());
  if (!classifies_) {
    outputs[0] -= static_cast<double>(data.labels.data<const float>()[row]);
    return 0.5 * outputs[0] * outputs[0];
  }
  const auto label = static_cast<std::size_t>(data.labels.data<const std::int64_t>()[row]);
  const double loss = -std::log(std::max(outputs[label], 1e-300));
  outputs[label] -= 1;
  return loss;
}

double Regression::step(const skerry::Data& data, const std::vector<std::size_t>& rows,
                        std::size_t from, std::size_t to, const Settings& settings) {
  const std::size_t width = features();
  std::vector<double> by_weight(weight_.size()), by_bias(bias_.size()), outputs(bias_.size());
  double losses = 0;
  for (std::size_t at = from; at < to; ++at) {
    losses += loss(data, rows[at], outputs);
    const float* row = data.features.data<const float>() + rows[at] * width;
    for (std::size_t o = 0; o < bias_.size(); ++o) {
      by_bias[o] += outputs[o];
      for (std::size_t i = 0; i < width; ++i) by_weight[o * width + i] += outputs[o] * row[i];
    }
  }
  const double rate = settings.lr / static_cast<double>(to - from);
  for (std::size_t i = 0; i < weight_.size(); ++i)
    weight_[i] =
        static_cast<float>(weight_[i] * (1 - settings.lr * settings.l2) - rate * by_weight[i]);
  for (std::size_t o = 0; o < bias_.size(); ++o)
    bias_[o] = static_cast<float>(bias_[o] - rate * by_bias[o]);
  return losses;
}

Score Regression::score(const skerry::Data& data) const {
  const auto rows = static_cast<std::size_t>(data.rows());
  std::vector<double> outputs(bias_.size());
  Score score;
  for (std::size_t row = 0; row < rows; ++row) {
    score.loss += loss(data, row, outputs);
    if (!classifies_) continue;
    // The gradient is the probability, less one at the label.
    const auto label = static_cast<std::size_t>(data.labels.data<const std::int64_t>()[row]);
    outputs[label] += 1;
    const auto likeliest = std::max_element(outputs.begin(), outputs.end()) - outputs.begin();
    score.accuracy += static_cast<std::size_t>(likeliest) == label ? 1 : 0;
  }
  if (rows > 0) {
    score.loss /= static_cast<double>(rows);
    score.accuracy /= static_cast<double>(rows);
  }
  return score;
}
