#include "settings.hpp"

namespace skerry::torch_plugin {
namespace {

Architecture read_architecture(const Config& config) {
  const bool has_script = config.has("script");
  if (!config.has("architecture")) {
    if (has_script) return Architecture::script;
    throw invalid(config.path("architecture"),
                  "is missing. Allowed: mlp, cnn, or `script` with a TorchScript file.");
  }
  const std::string name = config.one_of("architecture", {"mlp", "cnn", "script"});
  if (name == "script" && !has_script) {
    throw invalid(config.path("script"),
                  "is missing: architecture \"script\" needs the path of a TorchScript file");
  }
  if (name != "script" && has_script) {
    throw invalid(config.path("script"),
                  "does not go with architecture \"" + name + "\": remove one of the two");
  }
  return name == "mlp"   ? Architecture::mlp
         : name == "cnn" ? Architecture::cnn
                         : Architecture::script;
}

Loss read_loss(const Config& config) {
  if (!config.has("loss")) return Loss::cross_entropy;
  const std::string name = config.one_of("loss", {"cross_entropy", "mse", "bce"});
  return name == "cross_entropy" ? Loss::cross_entropy : name == "mse" ? Loss::mse : Loss::bce;
}

OptimizerSettings read_optimizer(const Config& config) {
  OptimizerSettings settings;
  settings.adam = config.has("name") && config.one_of("name", {"sgd", "adam"}) == "adam";
  settings.learning_rate = config.number("lr", settings.learning_rate);
  settings.momentum = config.number("momentum", settings.momentum);
  settings.weight_decay = config.number("weightDecay", settings.weight_decay);
  if (settings.adam && settings.momentum != 0) {
    throw invalid(config.path("momentum"), "belongs to sgd; adam has its own: remove it");
  }
  return settings;
}

std::vector<std::int64_t> integers_or(const Config& config, const char* key,
                                      std::vector<std::int64_t> fallback) {
  return config.has(key) ? config.integers(key) : fallback;
}

}  // namespace

Settings read_settings(const Config& config) {
  Settings settings;
  settings.architecture = read_architecture(config);
  if (settings.architecture == Architecture::script) settings.script = config.string("script");
  settings.hidden = integers_or(config, "hidden", {200, 200});
  settings.channels = integers_or(config, "channels", {32, 64});
  settings.dense = config.integer("dense", settings.dense);
  settings.loss = read_loss(config);
  settings.optimizer = read_optimizer(config.object("optimizer"));
  if (config.has("clipNorm")) settings.clip_norm = config.number("clipNorm");
  settings.batch = config.integer("batch", settings.batch);
  settings.epochs = config.integer("epochs", settings.epochs);
  return settings;
}

const char* name_of(Loss loss) {
  switch (loss) {
    case Loss::cross_entropy:
      return "cross_entropy";
    case Loss::mse:
      return "mse";
    default:
      return "bce";
  }
}

}  // namespace skerry::torch_plugin
