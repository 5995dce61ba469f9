// The configuration of the estimator, as plugin.json describes it.
#pragma once

#include <skerry/config.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace skerry::torch_plugin {

enum class Architecture { mlp, cnn, script };
enum class Loss { cross_entropy, mse, bce };

struct OptimizerSettings {
  bool adam = false;  // else stochastic gradient descent
  double learning_rate = 0.01;
  double momentum = 0;
  double weight_decay = 0;
};

struct Settings {
  Architecture architecture = Architecture::mlp;
  std::string script;  // path of the TorchScript file; empty unless architecture is script
  std::vector<std::int64_t> hidden;
  std::vector<std::int64_t> channels;
  std::int64_t dense = 512;
  Loss loss = Loss::cross_entropy;
  OptimizerSettings optimizer;
  std::optional<double> clip_norm;
  std::int64_t batch = 20;
  std::int64_t epochs = 1;
};

// Throws skerry::Error, naming the field, for combinations that the schema cannot exclude.
Settings read_settings(const Config& config);

const char* name_of(Loss loss);

}  // namespace skerry::torch_plugin
