// A model from a TorchScript file.
#include "errors.hpp"
#include "model.hpp"

#include <skerry/tensor.hpp>

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <algorithm>
#include <filesystem>

namespace skerry::torch_plugin {
namespace {

constexpr char kHowToExport[] =
    "Export the model in Python with torch.jit.script(model).save(\"model.pt\").";

class Script : public Model {
 public:
  explicit Script(torch::jit::Module module) : module_(std::move(module)) {}

  // The graph runs as written. Optimised, it would be rewritten after its first calls, and the same
  // step would round differently early and late in a worker's life.
  at::Tensor forward(const at::Tensor& features) override {
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);
    const c10::IValue result = module_.forward({features});
    if (!result.isTensor()) {
      throw invalid("script", "forward() must return one tensor, found " + result.tagKind() +
                                  ". Change the model.");
    }
    return result.toTensor();
  }

  void set_training(bool training) override { module_.train(training); }

  std::vector<NamedWeight> weights() const override {
    std::vector<NamedWeight> result;
    for (const auto& each : module_.named_parameters()) result.push_back({each.name, each.value});
    for (const auto& each : module_.named_buffers()) {
      if (each.value.defined()) result.push_back({each.name, each.value});
    }
    return result;
  }

  std::vector<at::Tensor> trainable() const override {
    std::vector<at::Tensor> result;
    for (const at::Tensor& parameter : module_.parameters()) {
      const auto is_same = [&](const at::Tensor& other) { return other.is_same(parameter); };
      if (parameter.requires_grad() && std::none_of(result.begin(), result.end(), is_same))
        result.push_back(parameter);
    }
    return result;
  }

 private:
  torch::jit::Module module_;
};

torch::jit::Module read_module(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    throw invalid("script", path + ": no such file");
  try {
    return torch::jit::load(path, torch::kCPU);
  } catch (...) {
    throw invalid("script", path + " is not a TorchScript file: " + current_exception_text() +
                                ". " + kHowToExport);
  }
}

// Views of weights are dense. A model exported with another memory layout (channels last) is
// converted once.
void make_dense(const Model& model) {
  const at::NoGradGuard no_gradient;
  for (const NamedWeight& each : model.weights()) {
    if (!each.tensor.is_contiguous()) at::Tensor(each.tensor).set_data(each.tensor.contiguous());
  }
}

void check_weights(const Model& model, const std::string& path) {
  for (const NamedWeight& each : model.weights()) {
    if (each.tensor.layout() != at::kStrided || each.tensor.is_quantized() ||
        each.tensor.is_complex()) {
      throw invalid("script", path + ": \"" + each.name +
                                  "\" is sparse, quantized or complex; only dense tensors of " +
                                  "real numbers can be exchanged");
    }
    if (each.tensor.dim() > SKERRY_MAX_DIMS) {
      throw invalid("script", path + ": \"" + each.name + "\" has " +
                                  std::to_string(each.tensor.dim()) + " dimensions, at most " +
                                  std::to_string(SKERRY_MAX_DIMS) + " are possible");
    }
  }
  if (model.trainable().empty()) {
    throw invalid("script",
                  path + " has no trainable parameter (" + std::to_string(model.weights().size()) +
                      " tensors, none with requires_grad). A frozen module cannot be trained. " +
                      kHowToExport);
  }
}

}  // namespace

std::unique_ptr<Model> load_script(const std::string& path) {
  auto model = std::make_unique<Script>(read_module(path));
  check_weights(*model, path);
  make_dense(*model);
  return model;
}

}  // namespace skerry::torch_plugin
