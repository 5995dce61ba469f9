// A module of Python's goes out as TorchScript, trains on two edges, and comes back to Python as
// safetensors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/refusal.hpp"
#include "tests/e2e/tensors.hpp"
#include "tests/support/data.hpp"

namespace skerry::testing {
namespace {

constexpr const char* kPython =
    "/usr/bin/python3";  // Debian's: the one that python3-torch belongs to

constexpr const char* kExport = R"(
import sys, torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(2, 8)
        self.norm = torch.nn.BatchNorm1d(8)
        self.last = torch.nn.Linear(8, 3)

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.first(x))))

class Nothing(torch.nn.Module):
    def forward(self, x):
        return x

torch.manual_seed(5)
torch.jit.script(Net()).save(sys.argv[1])
torch.jit.script(Nothing()).save(sys.argv[2])
)";

// Reads a safetensors file without any library for it, puts it into the module, and prints every
// value.
constexpr const char* kImport = R"(
import json, struct, sys, torch

kinds = {"F32": torch.float32, "I64": torch.int64}
data = bytearray(open(sys.argv[2], "rb").read())
length = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + length])
tensors = {}
for name, entry in header.items():
    if name == "__metadata__":
        continue
    begin, end = entry["data_offsets"]
    part = data[8 + length + begin:8 + length + end]
    tensors[name] = torch.frombuffer(part, dtype=kinds[entry["dtype"]]).reshape(entry["shape"])
model = torch.jit.load(sys.argv[1])
print(model.load_state_dict(tensors, strict=True), file=sys.stderr)
model.eval()
corners = torch.tensor([[0.0, 3.0], [-3.0, -2.0], [3.0, -2.0]])
values = {name: tensor.reshape(-1).tolist() for name, tensor in model.state_dict().items()}
print(json.dumps({"values": values, "classes": model(corners).argmax(1).tolist()}))
)";

class PythonModule : public RefusalTest {
 protected:
  void SetUp() override {
    if (!python({"-c", "import torch"}).ok()) GTEST_SKIP() << "needs Debian's python3-torch";
    scratch.write("points.csv", points_csv(200, 3));
    const Output exported = python(
        {scratch.write("export.py", kExport).string(), path("model.pt"), path("nothing.pt")});
    ASSERT_TRUE(exported.ok()) << exported.all();
  }

  Output python(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), kPython);
    Process process({std::move(arguments), {{"OMP_NUM_THREADS", "1"}}, scratch / "printed"});
    return finish(process);
  }
  std::string path(const std::string& name) const { return (scratch / name).string(); }

  static JobText job(const std::string& script) {
    JobText text("script");
    text.without("pluginPath")
        .set("estimator", "{plugin: torch, config: {script: " + script +
                              ", optimizer: {lr: 0.1}, batch: 10, epochs: 2}}")
        .set("dataset",
             "{plugin: csv, config: {uri: points.csv, label: class, standardize: false}}")
        .set("quorum", "2")
        .set("rounds", "5");
    return text;
  }
};

TEST_F(PythonModule, TrainsFederatedlyAndLoadsBackWithEqualValues) {
  const Output output = run(job("model.pt"), 2);
  ASSERT_TRUE(output.ok()) << output.all();
  EXPECT_GE(output.json().at("metrics").at("accuracy").get<double>(), 0.95);

  const auto model = results() / "model.safetensors";
  const Output loaded =
      python({scratch.write("import.py", kImport).string(), path("model.pt"), model.string()});
  ASSERT_TRUE(loaded.ok()) << loaded.all();
  const Json seen = loaded.json();
  EXPECT_EQ(seen.at("classes"), Json({0, 1, 2}));
  const auto tensors = read_tensors(model);
  ASSERT_EQ(seen.at("values").size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    ASSERT_TRUE(seen["values"].contains(name)) << name;
    if (tensor.dtype == "F32") {
      EXPECT_EQ(seen["values"][name].get<std::vector<float>>(), tensor.values<float>()) << name;
    } else {
      EXPECT_EQ(seen["values"][name].get<std::vector<std::int64_t>>(),
                tensor.values<std::int64_t>())
          << name;
    }
  }
  EXPECT_NE(tensors.at("norm.running_mean").values<float>(), std::vector<float>(8, 0.0f))
      << "the buffers stayed behind";
}

TEST_F(PythonModule, WithoutAParameterIsRefusedBeforeAnythingStarts) {
  expect_refused(job("nothing.pt"), {"estimator", "spec.estimator.config.script", {"parameter"}},
                 2);
}

}  // namespace
}  // namespace skerry::testing
