// A classifier with one hidden layer. libtorch stays on this side of the boundary: tensors are
// wrapped with from_blob() where they come in, and lent as plain memory where they go out.
#include <skerry/estimator.hpp>

#include <torch/torch.h>

namespace {

namespace nn = torch::nn;
using torch::indexing::Slice;

torch::Tensor wrapped(const skerry::TensorView& view) {
  const auto type =
      view.dtype() == skerry::dtype_of<std::int64_t>() ? torch::kInt64 : torch::kFloat32;
  return torch::from_blob(view.raw(), view.shape(), type);
}

class Perceptron : public skerry::Estimator {
 public:
  Perceptron(const skerry::Config& config, skerry::Host& host)
      : host_(host),
        hidden_(config.integer("hidden", 32)),
        rate_(config.number("rate", 0.1)),
        epochs_(config.integer("epochs", 1)),
        batch_(std::max<std::int64_t>(1, config.integer("batch", 32))) {}

  void prepare(const skerry::DatasetInfo& info, std::uint64_t seed) override {
    if (info.label_kind != skerry::LabelKind::classes)
      throw skerry::invalid("", "this model needs labels of classes");
    at::set_num_threads(static_cast<int>(host_.threads()));
    torch::manual_seed(seed);
    network_ = nn::Sequential(nn::Flatten(),
                              nn::Linear(static_cast<std::int64_t>(info.row_size()), hidden_),
                              nn::ReLU(), nn::Linear(hidden_, info.classes));
  }

  // Parameters are dense and on the CPU, and stay where they are while they are lent.
  std::vector<skerry::NamedTensor> weights() override {
    std::vector<skerry::NamedTensor> tensors;
    for (const auto& each : network_->named_parameters())
      tensors.push_back(
          {each.key(),
           {each.value().data_ptr(), skerry::dtype_of<float>(), each.value().sizes().vec()}});
    return tensors;
  }
  void set_weights(const std::vector<skerry::NamedTensor>& weights) override {
    const torch::NoGradGuard no_gradients;
    auto parameters = network_->parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i)
      parameters[i].copy_(wrapped(weights[i].tensor));
  }

  // The order of the rows depends on the seed and on the epoch's number in the whole training, so
  // that a round that is tried again gives the same bits.
  void train(const skerry::Data& data, const skerry::TrainParams& params,
             skerry::Metrics& metrics) override {
    network_->train();
    torch::optim::SGD optimizer(network_->parameters(),
                                torch::optim::SGDOptions(rate_).momentum(0.9));
    const torch::Tensor features = wrapped(data.features), labels = wrapped(data.labels);
    double loss = 0;
    for (std::int64_t epoch = 0; epoch < epochs_; ++epoch) {
      torch::manual_seed(params.seed + static_cast<std::uint64_t>(params.round * epochs_ + epoch));
      const torch::Tensor order = torch::randperm(data.rows(), torch::kInt64);
      loss = 0;
      for (std::int64_t first = 0; first < data.rows(); first += batch_) {
        host_.throw_if_cancelled(params.call_id);
        const torch::Tensor rows = order.index({Slice(first, first + batch_)});
        const torch::Tensor wrong = nn::functional::cross_entropy(
            network_->forward(features.index({rows})), labels.index({rows}));
        optimizer.zero_grad();
        wrong.backward();
        optimizer.step();
        loss += wrong.item<double>() * static_cast<double>(rows.size(0));
      }
    }
    metrics.add("loss", loss / static_cast<double>(std::max<std::int64_t>(1, data.rows())));
  }

  void evaluate(const skerry::Data& data, skerry::Metrics& metrics) override {
    const torch::NoGradGuard no_gradients;
    network_->eval();
    const torch::Tensor outputs = network_->forward(wrapped(data.features)),
                        labels = wrapped(data.labels);
    metrics.add("loss", nn::functional::cross_entropy(outputs, labels).item<double>());
    metrics.add("accuracy", outputs.argmax(1).eq(labels).to(torch::kFloat64).mean().item<double>());
  }

  // The classes' probabilities.
  skerry::Prediction predict(const skerry::TensorView& features) override {
    const torch::NoGradGuard no_gradients;
    network_->eval();
    const torch::Tensor outputs = network_->forward(wrapped(features)).softmax(1).contiguous();
    const float* first = outputs.data_ptr<float>();
    return {outputs.sizes().vec(), {first, first + outputs.numel()}};
  }

 private:
  skerry::Host& host_;
  const std::int64_t hidden_;
  const double rate_;
  const std::int64_t epochs_, batch_;
  nn::Sequential network_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Perceptron>("perceptron"));
