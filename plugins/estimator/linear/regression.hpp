// Softmax and least-squares regression on rows of floats.
#pragma once

#include <skerry/estimator.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

struct Settings {
  double lr, l2;
  std::size_t batch, epochs;
};

// Mean loss, and the share of rows whose likeliest class is theirs (classes only).
struct Score {
  double loss = 0, accuracy = 0;
};

class Regression {
 public:
  // classes: of softmax regression; 0: one real output.
  Regression(std::size_t features, std::uint32_t classes);

  std::vector<float>& weight() { return weight_; }  // [outputs, features]
  std::vector<float>& bias() { return bias_; }      // [outputs]
  std::size_t outputs() const { return bias_.size(); }
  std::size_t features() const { return weight_.size() / bias_.size(); }
  bool classifies() const { return classifies_; }

  // What the outputs are for a row: probabilities, or the value.
  void predict(const float* row, double* outputs) const;

  // One step down the gradient over these rows. Returns the sum of their losses before it.
  double step(const skerry::Data& data, const std::vector<std::size_t>& rows, std::size_t from,
              std::size_t to, const Settings& settings);
  Score score(const skerry::Data& data) const;

 private:
  // The row's loss; `outputs` becomes the gradient by the outputs before the softmax.
  double loss(const skerry::Data& data, std::size_t row, std::vector<double>& outputs) const;

  bool classifies_;
  std::vector<float> weight_, bias_;
};
