// The built-in architectures.
#include "model.hpp"
#include "pooling.hpp"

#include <skerry/tensor.hpp>

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

namespace skerry::torch_plugin {
namespace {

// What the two have in common: a chain of layers under names, without buffers.
class Network : public Model, protected torch::nn::Module {
 public:
  void set_training(bool training) override { train(training); }

  std::vector<NamedWeight> weights() const override {
    std::vector<NamedWeight> result;
    for (const auto& each : named_parameters()) result.push_back({each.key(), each.value()});
    return result;
  }

  std::vector<at::Tensor> trainable() const override { return parameters(); }
};

class Perceptron : public Network {
 public:
  Perceptron(const std::vector<std::int64_t>& hidden, std::int64_t inputs, std::int64_t outputs) {
    for (std::size_t i = 0; i < hidden.size(); ++i) {
      hidden_.push_back(
          register_module("hidden" + std::to_string(i + 1), torch::nn::Linear(inputs, hidden[i])));
      inputs = hidden[i];
    }
    output_ = register_module("output", torch::nn::Linear(inputs, outputs));
  }

  at::Tensor forward(const at::Tensor& features) override {
    at::Tensor x = features.flatten(1);
    for (torch::nn::Linear& layer : hidden_) x = layer(x).relu();
    return output_(x);
  }

 private:
  std::vector<torch::nn::Linear> hidden_;
  torch::nn::Linear output_{nullptr};
};

// The network for MNIST in "Communication-Efficient Learning of Deep Networks from Decentralized
// Data" (McMahan et al. 2017), with the sizes that the configuration gives.
class ConvolutionalNetwork : public Network {
 public:
  ConvolutionalNetwork(const std::vector<std::int64_t>& channels, std::int64_t dense,
                       const std::vector<std::int64_t>& image, std::int64_t outputs) {
    std::int64_t planes = image[0], height = image[1], width = image[2];
    for (std::size_t i = 0; i < channels.size(); ++i) {
      const auto options =
          torch::nn::Conv2dOptions(planes, channels[i], kKernel).padding(kKernel / 2);
      convolutions_.push_back(
          register_module("conv" + std::to_string(i + 1), torch::nn::Conv2d(options)));
      planes = channels[i];
      height /= 2;
      width /= 2;
    }
    dense_ = register_module("dense", torch::nn::Linear(planes * height * width, dense));
    output_ = register_module("output", torch::nn::Linear(dense, outputs));
  }

  // ReLU comes after the maximum: the result is the same, for a quarter of the work.
  at::Tensor forward(const at::Tensor& features) override {
    at::Tensor x = features;
    for (torch::nn::Conv2d& layer : convolutions_) x = halve_by_maximum(layer(x)).relu();
    return output_(dense_(x.flatten(1)).relu());
  }

 private:
  static constexpr std::int64_t kKernel = 5;
  std::vector<torch::nn::Conv2d> convolutions_;
  torch::nn::Linear dense_{nullptr};
  torch::nn::Linear output_{nullptr};
};

void check_image(const std::vector<std::int64_t>& shape, std::size_t halvings) {
  if (shape.size() != 3) {
    throw invalid("architecture", "cnn needs rows of channels x height x width, found rows of " +
                                      shape_text(shape) + ". Use mlp for such data.");
  }
  const std::int64_t smallest = std::int64_t{1} << halvings;
  if (shape[1] < smallest || shape[2] < smallest) {
    throw invalid("channels", std::to_string(halvings) +
                                  " convolutions, each halving the image, need at least " +
                                  std::to_string(smallest) + " x " + std::to_string(smallest) +
                                  " pixels, found rows of " + shape_text(shape));
  }
}

}  // namespace

std::unique_ptr<Model> build_network(const Settings& settings,
                                     const std::vector<std::int64_t>& row_shape,
                                     std::int64_t outputs) {
  if (settings.architecture == Architecture::cnn) {
    check_image(row_shape, settings.channels.size());
    return std::make_unique<ConvolutionalNetwork>(settings.channels, settings.dense, row_shape,
                                                  outputs);
  }
  std::int64_t inputs = 1;
  for (std::int64_t extent : row_shape) inputs *= extent;
  return std::make_unique<Perceptron>(settings.hidden, inputs, outputs);
}

}  // namespace skerry::torch_plugin
