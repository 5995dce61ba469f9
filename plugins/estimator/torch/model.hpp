// A network: something with named tensors and a forward pass.
#pragma once

#include "settings.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace skerry::torch_plugin {

struct NamedWeight {
  std::string name;
  at::Tensor tensor;  // dense, row-major, on the CPU
};

class Model {
 public:
  virtual ~Model() = default;

  // features: float32 [n, shape of a row...]. Throws LibTorch's exceptions, or skerry::Error.
  virtual at::Tensor forward(const at::Tensor& features) = 0;

  // True: as in training (dropout, the statistics of the batch). False: as in use.
  virtual void set_training(bool training) = 0;

  // All parameters, then all buffers. The tensors share their memory with the model.
  virtual std::vector<NamedWeight> weights() const = 0;

  // The parameters that have a gradient, each once even where it goes by several names.
  virtual std::vector<at::Tensor> trainable() const = 0;
};

// One of the built-in architectures. Initial weights come from LibTorch's generator: seed it first.
// Throws skerry::Error for rows that the architecture does not take.
std::unique_ptr<Model> build_network(const Settings& settings,
                                     const std::vector<std::int64_t>& row_shape,
                                     std::int64_t outputs);

// The TorchScript file `path`. Throws skerry::Error with field "script" when it is none, or nothing
// in it can be trained.
std::unique_ptr<Model> load_script(const std::string& path);

}  // namespace skerry::torch_plugin
