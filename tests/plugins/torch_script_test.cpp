#include <torch/script.h>

#include <cmath>

#include "torch_support.hpp"

namespace torch_test {
namespace {

using skerry_test::Folder;
using torch::jit::Module;

void add_parameter(Module& module, const char* name, const at::Tensor& value) {
  module.register_parameter(name, at::Tensor(value).requires_grad_(true), false);
}

// Two inputs, three outputs; BatchNorm and dropout between two linear layers. Written as
// torch.jit.script would.
Module batch_norm_module() {
  torch::manual_seed(3);
  Module module("Net");
  add_parameter(module, "first", torch::randn({8, 2}));
  add_parameter(module, "scale", torch::ones({8}));
  add_parameter(module, "shift", torch::zeros({8}));
  add_parameter(module, "last", torch::randn({3, 8}));
  module.register_buffer("running_mean", torch::zeros({8}));
  module.register_buffer("running_var", torch::ones({8}));
  module.register_buffer("num_batches_tracked", torch::zeros({}, torch::kLong));
  module.register_attribute("training", c10::BoolType::get(), true);
  module.define(R"(
    def forward(self, x):
        if self.training:
            self.num_batches_tracked.add_(1)
        x = torch.matmul(x, self.first.t())
        x = torch.batch_norm(x, self.scale, self.shift, self.running_mean, self.running_var, self.training, 0.1, 1e-5, False)
        x = torch.dropout(torch.relu(x), 0.2, self.training)
        return torch.matmul(x, self.last.t())
  )");
  return module;
}

Module module_of(const char* forward) {
  Module module("Net");
  add_parameter(module, "weight", torch::ones({3, 2}));
  module.define(forward);
  return module;
}

std::string saved(const Folder& folder, const Module& module) {
  const std::string path = folder.path("model.pt");
  module.save(path);
  return path;
}

Json config_for(const std::string& script) {
  return {{"script", script}, {"optimizer", {{"lr", 0.1}}}, {"batch", 10}, {"epochs", 2}};
}

Outcome prepared(const std::string& script) {
  return Estimator(config_for(script)).try_prepare(three_clouds(3, 1), 1);
}

void expect_refused(const Outcome& outcome, const std::vector<std::string>& parts) {
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
  EXPECT_EQ(outcome.field, "script") << outcome;
  for (const std::string& part : parts)
    EXPECT_NE(outcome.message.find(part), std::string::npos) << part << ": " << outcome;
  EXPECT_EQ(outcome.message.find('\n'), std::string::npos) << outcome;
}

TEST(TorchScript, StartsFromTheWeightsOfTheFile) {
  const Folder folder;
  const Module module = batch_norm_module();
  Estimator estimator(config_for(saved(folder, module)));
  const std::vector<Weight> weights = estimator.prepare(three_clouds(3, 1), 99).weights();
  ASSERT_EQ(weights.size(), 7u);
  EXPECT_EQ(weights[0].name, "first");
  EXPECT_EQ(std::memcmp(weights[0].bytes.data(), module.attr("first").toTensor().data_ptr(),
                        16 * sizeof(float)),
            0);
}

TEST(TorchScript, LearnsAndCarriesTheBuffersOfBatchNorm) {
  const Folder folder;
  const Rows rows = three_clouds(300, 1);
  Estimator estimator(config_for(saved(folder, batch_norm_module())));
  const std::vector<Weight> before = estimator.prepare(rows, 1).weights();
  estimator.train(rows, 0, 1);
  const std::vector<Weight> after = estimator.weights();
  EXPECT_GT(estimator.evaluate(rows).at("accuracy"), 0.95);
  EXPECT_EQ(estimator.weights(), after) << "evaluation changes nothing";
  EXPECT_NE(after[4], before[4]) << after[4].name;
  ASSERT_EQ(after[6].name, "num_batches_tracked");
  EXPECT_EQ(after[6].dtype_code, SKERRY_INT);
  EXPECT_TRUE(after[6].shape.empty());
  std::int64_t batches = 0;
  std::memcpy(&batches, after[6].bytes.data(), sizeof(batches));
  EXPECT_EQ(batches, 60);

  Estimator other(config_for(folder.path("model.pt")));
  other.prepare(rows, 2).set_weights(after);
  EXPECT_EQ(other.weights(), after);
  EXPECT_EQ(other.evaluate(rows), estimator.evaluate(rows));
}

TEST(TorchScript, TrainsTheSameBitsInRoundsAsInOneGo) {
  const Folder folder;
  const Rows rows = three_clouds(95, 1);
  Json config = config_for(saved(folder, batch_norm_module()));
  config["epochs"] = 6;
  Estimator whole(config);
  whole.prepare(rows, 1).train(rows, 0, 5);
  config["epochs"] = 2;
  std::vector<Weight> carried = Estimator(config).prepare(rows, 1).weights();
  for (std::uint32_t round = 0; round < 3; ++round) {
    Estimator part(config);
    part.prepare(rows, 1).set_weights(carried);
    part.train(rows, round, 5);
    carried = part.weights();
  }
  EXPECT_EQ(carried, whole.weights());
}

TEST(TorchScript, WithOneOutputARowMayReturnAFlatTensor) {
  const Folder folder;
  Module module("Net");
  add_parameter(module, "weight", torch::zeros({2}));
  add_parameter(module, "bias", torch::zeros({}));
  module.define("def forward(self, x):\n  return torch.matmul(x, self.weight) + self.bias\n");
  const Rows rows = a_plane(100, 1);
  Json config = config_for(saved(folder, module));
  config["loss"] = "mse";
  config["epochs"] = 30;
  Estimator estimator(config);
  estimator.prepare(rows, 1).train(rows, 0, 1);
  EXPECT_LT(estimator.evaluate(rows).at("mae"), 0.01);
  std::vector<std::int64_t> shape;
  estimator.predict(rows, &shape);
  EXPECT_EQ(shape, (std::vector<std::int64_t>{100, 1}));
}

TEST(TorchScript, LeavesAParameterWithoutGradientAsItIs) {
  const Folder folder;
  Module module = batch_norm_module();
  module.attr("first").toTensor().requires_grad_(false);
  const Rows rows = three_clouds(30, 1);
  Estimator estimator(config_for(saved(folder, module)));
  const std::vector<Weight> before = estimator.prepare(rows, 1).weights();
  estimator.train(rows, 0, 1);
  EXPECT_EQ(estimator.weights()[0], before[0]);
  EXPECT_NE(estimator.weights()[3], before[3]);
}

TEST(TorchScript, WithoutTrainableParameterIsRefused) {
  const Folder folder;
  Module none("Net");
  none.define("def forward(self, x):\n  return x\n");
  expect_refused(prepared(saved(folder, none)),
                 {"model.pt", "no trainable parameter", "torch.jit.script"});
  Module fixed = module_of("def forward(self, x):\n  return torch.matmul(x, self.weight.t())\n");
  fixed.attr("weight").toTensor().requires_grad_(false);
  expect_refused(prepared(saved(folder, fixed)), {"no trainable parameter", "1 tensors"});
}

TEST(TorchScript, ThatIsNoneIsRefused) {
  const Folder folder;
  expect_refused(prepared(folder.write("garbage.pt", "this is no archive")),
                 {"garbage.pt", "not a TorchScript file"});
  expect_refused(prepared(folder.write("empty.pt", "")), {"empty.pt", "not a TorchScript file"});
  expect_refused(prepared(folder.path("absent.pt")), {"absent.pt", "no such file"});
  const std::string whole = saved(folder, batch_norm_module());
  std::filesystem::resize_file(whole, std::filesystem::file_size(whole) / 2);
  expect_refused(prepared(whole), {"model.pt", "not a TorchScript file"});
}

TEST(TorchScript, WhoseOutputsDoNotFitTheDatasetIsRefusedBeforeTraining) {
  const Folder folder;
  expect_refused(
      prepared(saved(
          folder,
          module_of("def forward(self, x):\n  return torch.matmul(x, self.weight.t())[:, :2]\n"))),
      {"[2, 2]", "[2, 3]"});
  expect_refused(
      prepared(saved(folder, module_of("def forward(self, x):\n  return (x, self.weight)\n"))),
      {"one tensor", "Tuple"});
  expect_refused(
      prepared(saved(folder,
                     module_of("def forward(self, x):\n  return torch.matmul(x, self.weight)\n"))),
      {"[2, 2]", "mat1 and mat2 shapes cannot be multiplied"});
}

}  // namespace
}  // namespace torch_test
